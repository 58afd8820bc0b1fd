"""One command each: its options, one call, one result printed."""
