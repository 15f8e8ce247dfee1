"""Settings and what ships beside the code; the only reader of files, flags and environment."""
