"""Many of something: reading a list, working through it in order, stopping, parts."""
