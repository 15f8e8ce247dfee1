"""Versioned objects with a history to watch."""
