"""loyalty history: its options, and its action."""
