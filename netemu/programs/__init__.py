"""Programs that stand in for well-known images; each runs alone, with the standard library."""
