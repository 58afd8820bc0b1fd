"""The command `loyalty journal`: its options, and the work of each subcommand."""
