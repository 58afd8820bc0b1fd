"""loyalty balance: its options, and what it does with them."""
