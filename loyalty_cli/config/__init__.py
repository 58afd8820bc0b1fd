"""The profile file: reading it, checking it, and the Profile it becomes."""
