from dataclasses import replace

import pytest
from msgspec import structs

from netemu.dns.domain import Domain, PodNames
from netemu.dns.names import locate
from netemu.dns.reasons import reason
from netemu.dns.records import name_from
from netemu.model import resources
from netemu.model.snapshot import Snapshot, advance
from tests.dns.cluster import (
    CLUSTER,
    DOMAIN,
    endpoint,
    endpoint_slice,
    namespace,
    service,
    snapshot_of,
)
from tests.dns.test_querylog import pod

SVC = "default.svc.cluster.local"
IDLE = (
    'Service "default/idle" has a virtual IP, but no ready endpoint behind it: '
    "it has no endpoint at all"
)


def why(name: str, domain: Domain = DOMAIN, snapshot: Snapshot = CLUSTER) -> str:
    place = locate(name_from(name), domain.zone)
    assert place is not None
    return reason(snapshot, domain, place[1])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cluster.local", "the zone itself"),
        ("svc.cluster.local", "nothing is at this name, only below it"),
        ("dns-version.cluster.local", "the version of the DNS schema"),
        ("ns.dns.cluster.local", "the name of this server"),
        ("web.cluster.local", "no name in the cluster has this form"),
        (SVC, 'namespace "default" exists; nothing is at its name'),
        ("x.svc.cluster.local", 'there is no namespace "x"'),
        ("web.x.svc.cluster.local", 'there is no namespace "x"'),
        (
            f"web.{SVC}",
            'Service "default/web" has a virtual IP; 2 ready endpoints behind it',
        ),
        (f"idle.{SVC}", IDLE),
        (f"gone.{SVC}", 'namespace "default" has no Service "gone"'),
        (
            "web.bare.svc.cluster.local",
            'namespace "bare" has no Service "web" (there is one in default)',
        ),
        (f"db.{SVC}", 'headless Service "default/db" has 3 ready endpoints'),
        (
            f"down.{SVC}",
            'headless Service "default/down" has no ready endpoint; not ready: 10.244.0.13',
        ),
        (
            f"portless.{SVC}",
            'headless Service "default/portless" has 1 ready endpoint',
        ),
        (f"ext.{SVC}", 'ExternalName Service "default/ext" stands for www.example.org'),
        (f"x.ext.{SVC}", 'ExternalName Service "default/ext" has no names below it'),
        (f"db-0.db.{SVC}", 'endpoint "db-0" of headless Service "default/db"'),
        (f"db-2.db.{SVC}", 'endpoint "db-2" of headless Service "default/db" is not ready'),
        (f"db-9.db.{SVC}", 'headless Service "default/db" has no endpoint "db-9"'),
        (f"x.gone.{SVC}", 'namespace "default" has no Service "gone"'),
        (f"_http._tcp.web.{SVC}", 'port _http._tcp of Service "default/web"'),
        (f"_tcp.web.{SVC}", 'port _tcp of Service "default/web"'),
        (f"_pg._tcp.db.{SVC}", 'port _pg._tcp of headless Service "default/db"'),
        (
            f"_x._tcp.web.{SVC}",
            'Service "default/web" has no port _x._tcp; it has _http._tcp, _metrics._tcp',
        ),
        (
            f"_x._tcp.unnamed.{SVC}",
            'Service "default/unnamed" has no port _x._tcp; it has no named port',
        ),
        (
            f"_pg._tcp.down.{SVC}",
            'headless Service "default/down" has no ready endpoint; not ready: 10.244.0.13',
        ),
        (f"_x._tcp.gone.{SVC}", 'namespace "default" has no Service "gone"'),
        (
            "1-2-3-4.default.pod.cluster.local",
            "any address has a name below a namespace's pods (pods insecure)",
        ),
        ("1-2-3-4.x.pod.cluster.local", 'there is no namespace "x"'),
        ("7.0.96.10.in-addr.arpa", "10.96.0.7 is held by Service default/web"),
        ("1.1.1.1.in-addr.arpa", "no Service holds 1.1.1.1"),
    ],
)
def test_reasons(name: str, reason: str) -> None:
    assert why(name) == reason


def test_before_the_first_list_nothing_is_known() -> None:
    unsynced = replace(CLUSTER, synced=False)
    assert why(f"gone.{SVC}", snapshot=unsynced) == "the cluster's objects aren't all known yet"


def test_what_the_configuration_hides_is_said() -> None:
    hidden = structs.replace(DOMAIN, namespaces=frozenset({"bare"}))
    assert why(f"web.{SVC}", hidden) == 'the configuration hides namespace "default"'
    ignoring = structs.replace(DOMAIN, ignore_empty=True)
    assert why(f"idle.{SVC}", ignoring).endswith("and the configuration hides such Services")


def test_names_of_pods_follow_the_configuration() -> None:
    known = advance(CLUSTER, resources.PODS, None, pod("shell", "10.244.0.5"))
    verified = structs.replace(DOMAIN, pods=PodNames.VERIFIED)
    name = "10-244-0-5.{}.pod.cluster.local"
    assert why(name.format("default"), verified, known) == "the address of pod default/shell"
    assert why(name.format("bare"), verified, known) == (
        'no pod in namespace "bare" has the address 10.244.0.5'
    )
    disabled = structs.replace(DOMAIN, pods=PodNames.DISABLED)
    assert why(name.format("default"), disabled) == "names of pods are switched off"
    shell = advance(CLUSTER, resources.PODS, None, pod("shell", "10.9.9.9"))
    assert why("9.9.9.10.in-addr.arpa", snapshot=shell) == (
        "no Service holds 10.9.9.9 (pod default/shell has it, but no Service selects that)"
    )


def test_long_lists_are_cut() -> None:
    waiting = [
        endpoint(f"10.0.0.{number}", ready=False)
        | {"targetRef": {"kind": "Pod", "name": f"p{number}"}}
        for number in range(7)
    ]
    snapshot = snapshot_of(
        [namespace("default")], [service("db", "None")], [endpoint_slice("db", *waiting)]
    )
    assert why(f"db.{SVC}", snapshot=snapshot).endswith(
        "no ready endpoint; not ready: p0, p1, p2, p3, p4 and 2 more"
    )


def test_an_endpoint_names_its_pod() -> None:
    ready = endpoint("10.0.0.1", hostname="a") | {"targetRef": {"kind": "Pod", "name": "p"}}
    snapshot = snapshot_of(
        [namespace("default")], [service("db", "None")], [endpoint_slice("db", ready)]
    )
    assert why(f"a.db.{SVC}", snapshot=snapshot).endswith('Service "default/db": pod p')
