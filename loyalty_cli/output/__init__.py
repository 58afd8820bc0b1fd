"""The forms of records and messages, and how they are printed."""
