"""loyalty debit: its options, and what it does with them."""
