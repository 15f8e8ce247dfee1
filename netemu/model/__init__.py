"""Frozen types and pure rules that every component shares. Nothing here does I/O."""
