"""Look-ups: one, a list of them, resumed, summed up."""
