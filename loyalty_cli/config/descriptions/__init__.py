"""Descriptions of platforms in YAML: finding them, and reading each with the line of a mistake."""
