"""A platform described without code: what a description says, and the provider made of it."""
