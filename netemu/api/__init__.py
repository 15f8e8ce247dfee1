"""The Kubernetes REST API: what clients send, the rules that bind it, and what they get back."""
