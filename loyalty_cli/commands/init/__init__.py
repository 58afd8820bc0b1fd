"""`loyalty init`: a first profile, asked for and tried; or one more."""
