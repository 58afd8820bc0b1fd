"""loyalty people: its options, and its actions."""
