"""loyalty journal: its options, and what each of its commands does."""
