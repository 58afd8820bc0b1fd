"""Where secrets come from, the keyring, access tokens, and keeping secrets out of text."""
