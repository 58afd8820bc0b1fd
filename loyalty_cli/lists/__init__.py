"""Lists: reading them, working through them in order, stopping early, and shards."""
