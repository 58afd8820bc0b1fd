"""Records, amounts, errors and exit codes, which every other room uses."""
