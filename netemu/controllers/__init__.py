"""Control loops: each watches the API, plans what should be, and does the difference."""
