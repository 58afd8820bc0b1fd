"""Databases: SQLite files and PostgreSQL servers, and the customers' data that is kept in them."""
