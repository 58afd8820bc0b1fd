"""Lists: reading one, working through it in order, stopping early, and shards."""
