"""TAB completion: what a shell is answered, and the command `loyalty completion`."""
