"""Which Services and namespaces a zone tells of, and by which labels its endpoints go."""

from collections.abc import Mapping

from netemu.dns.domain import Domain
from netemu.dns.records import name_from
from netemu.model.meta import Key
from netemu.model.selectorparser import parse
from netemu.model.service import Endpoint

ZONE = name_from("cluster.local")
LABELS: dict[Key, Mapping[str, str]] = {
    ("", "a"): {"team": "x"},
    ("a", "web"): {"app": "nginx"},
}


def labels(key: Key) -> Mapping[str, str]:
    return LABELS.get(key, {})


def test_everything_is_told_of_unless_something_is_said() -> None:
    assert not Domain(ZONE, 5).hides_service(("b", "db"), labels)


def test_namespaces_are_chosen_by_name_or_by_label() -> None:
    for domain in (
        Domain(ZONE, 5, namespaces=frozenset({"a"})),
        Domain(ZONE, 5, namespace_labels=parse("team=x")),
    ):
        assert [domain.hides(name, labels) for name in "ab"] == [False, True]
        assert domain.hides_service(("b", "web"), labels)


def test_services_are_chosen_by_label() -> None:
    domain = Domain(ZONE, 5, labels=parse("app=nginx"))
    hidden = [domain.hides_service(("a", name), labels) for name in ("web", "db")]
    assert hidden == [False, True]
    assert not domain.hides("b", labels)


def test_an_endpoint_goes_by_its_hostname_its_pod_or_its_address() -> None:
    pod = Endpoint(address="10.0.0.1", target=("a", "one"))
    assert Domain(ZONE, 5).host(pod) == "10-0-0-1"
    by_pod = Domain(ZONE, 5, pod_names=True)
    assert by_pod.host(pod) == "one"
    assert by_pod.host(Endpoint(address="10.0.0.1", hostname="H", target=("a", "one"))) == "h"
    assert by_pod.host(Endpoint(address="fd00::", target=("a", "x" * 64))) == "fd00--0"
