"""The commands: each has options, one call, and one printed result."""
