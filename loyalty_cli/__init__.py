"""Balances from loyalty platforms, the same way each time."""

__version__ = "0.1.0"
