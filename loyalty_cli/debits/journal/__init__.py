"""The journal of debits: it prevents that a debit is made twice, or forgotten."""
