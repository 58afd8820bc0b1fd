"""The journal of debits: what keeps one from being made twice, or forgotten."""
