"""The help of the commands: what is on a page, and how it is printed."""
