"""CustomResourceDefinitions: kinds that come while the server runs."""
