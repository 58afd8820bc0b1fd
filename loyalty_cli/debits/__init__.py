"""Debits, each made once: order, checks, sending, outcome, reconciling, and the journal."""
