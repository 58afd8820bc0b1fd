"""One file a command: options in, one call, one render."""
