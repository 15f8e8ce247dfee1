"""Environment variables that tell a container of Services (pkg/kubelet/envvars)."""

from collections.abc import Iterable

from netemu.model.service import Service


def service_environment(services: Iterable[Service]) -> dict[str, str]:
    """The variables for these Services; headless ones have none."""
    env: dict[str, str] = {}
    for service in services:
        if service.cluster_ips and service.ports:
            env |= _of(service)
    return env


def kubernetes_environment(address: str) -> dict[str, str]:
    """The variables of default/kubernetes, which every container has, in any namespace."""
    url = _url("tcp", address, 443)
    return {
        "KUBERNETES_SERVICE_HOST": address,
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
        "KUBERNETES_PORT": url,
        "KUBERNETES_PORT_443_TCP": url,
        "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
        "KUBERNETES_PORT_443_TCP_PORT": "443",
        "KUBERNETES_PORT_443_TCP_ADDR": address,
    }


def _of(service: Service) -> dict[str, str]:
    name = _variable(service.name)
    host = service.cluster_ips[0]
    first = service.ports[0]
    env = {
        f"{name}_SERVICE_HOST": host,
        f"{name}_SERVICE_PORT": str(first.port),
        f"{name}_PORT": _url(str(first.protocol), host, first.port),
    }
    for port in service.ports:
        if port.name:
            env[f"{name}_SERVICE_PORT_{_variable(port.name)}"] = str(port.port)
        protocol = str(port.protocol)
        prefix = f"{name}_PORT_{port.port}_{protocol}"
        env[prefix] = _url(protocol, host, port.port)
        env[f"{prefix}_PROTO"] = protocol.lower()
        env[f"{prefix}_PORT"] = str(port.port)
        env[f"{prefix}_ADDR"] = host
    return env


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _url(protocol: str, host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{protocol.lower()}://{shown}:{port}"
