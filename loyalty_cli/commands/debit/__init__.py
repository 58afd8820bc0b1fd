"""The command `loyalty debit`: its options, and its action."""
