"""A debit made once: its order, checks, sending, outcome, settling, and its journal."""
