"""People: who is who, with an identifier at each platform."""
