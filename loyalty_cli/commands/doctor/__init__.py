"""`loyalty doctor`: examines everything that decides whether a look-up will work."""
