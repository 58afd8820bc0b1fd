"""Records, amounts, errors and exit codes, which every other folder uses."""
