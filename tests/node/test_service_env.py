from netemu.model.service import Protocol, Service, ServicePort
from netemu.node.service_env import kubernetes_environment, service_environment


def service(name: str, *ports: ServicePort, ip: str = "10.96.0.50") -> Service:
    return Service(namespace="default", name=name, cluster_ips=(ip,) if ip else (), ports=ports)


def test_a_service_with_a_named_and_an_unnamed_port() -> None:
    redis = service(
        "redis-primary", ServicePort("db", Protocol.TCP, 6379), ServicePort("", Protocol.UDP, 53)
    )
    assert service_environment([redis]) == {
        "REDIS_PRIMARY_SERVICE_HOST": "10.96.0.50",
        "REDIS_PRIMARY_SERVICE_PORT": "6379",
        "REDIS_PRIMARY_SERVICE_PORT_DB": "6379",
        "REDIS_PRIMARY_PORT": "tcp://10.96.0.50:6379",
        "REDIS_PRIMARY_PORT_6379_TCP": "tcp://10.96.0.50:6379",
        "REDIS_PRIMARY_PORT_6379_TCP_PROTO": "tcp",
        "REDIS_PRIMARY_PORT_6379_TCP_PORT": "6379",
        "REDIS_PRIMARY_PORT_6379_TCP_ADDR": "10.96.0.50",
        "REDIS_PRIMARY_PORT_53_UDP": "udp://10.96.0.50:53",
        "REDIS_PRIMARY_PORT_53_UDP_PROTO": "udp",
        "REDIS_PRIMARY_PORT_53_UDP_PORT": "53",
        "REDIS_PRIMARY_PORT_53_UDP_ADDR": "10.96.0.50",
    }


def test_a_headless_service_has_none() -> None:
    assert service_environment([service("db", ServicePort("", Protocol.TCP, 1), ip="")]) == {}


def test_the_api_is_told_as_a_service_named_kubernetes() -> None:
    api = service("kubernetes", ServicePort("https", Protocol.TCP, 443), ip="10.96.0.1")
    assert kubernetes_environment("10.96.0.1") == service_environment([api])


def test_an_address_of_ipv6_has_brackets_in_a_url_and_none_elsewhere() -> None:
    env = service_environment([service("web", ServicePort("", Protocol.TCP, 80), ip="fd00::5")])
    assert env["WEB_SERVICE_HOST"] == env["WEB_PORT_80_TCP_ADDR"] == "fd00::5"
    assert env["WEB_PORT"] == env["WEB_PORT_80_TCP"] == "tcp://[fd00::5]:80"
    assert kubernetes_environment("fd00::1")["KUBERNETES_PORT"] == "tcp://[fd00::1]:443"
