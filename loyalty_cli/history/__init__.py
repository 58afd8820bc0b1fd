"""How balances changed: between two exports, and over time."""
