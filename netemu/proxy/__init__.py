"""The userspace kube-proxy: virtual addresses and node ports, relayed to endpoints."""
