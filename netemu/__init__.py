"""The network of a Kubernetes cluster on one Linux machine."""

__version__ = "0.1.0"
