"""loyalty balance: its options, and its action."""
