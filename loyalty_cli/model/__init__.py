"""Records, amounts, errors and exit codes: what every other room works with."""
