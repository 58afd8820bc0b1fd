"""Look-ups: a single one, a list, a resumed list, and summaries."""
