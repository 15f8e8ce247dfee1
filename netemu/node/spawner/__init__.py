"""The spawner: a single-threaded process that makes sandboxes and starts processes in them."""
