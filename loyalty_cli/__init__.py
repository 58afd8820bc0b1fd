"""Balances and debits at loyalty platforms, in one form for all."""

__version__ = "0.1.0"
