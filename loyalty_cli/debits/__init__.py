"""Debits: each made once at the most, and none forgotten."""
