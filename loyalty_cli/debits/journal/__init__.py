"""The journal of debits: it keeps a debit from being made twice or forgotten."""
