"""The only place that prints: documents to stdout, everything said to a person to stderr."""
