from dataclasses import dataclass

import pytest

from netemu.cli.resolver_machine import Machine, Way, detect, lineage, network_manager_dns


@dataclass(frozen=True)
class Case:
    name: str
    way: Way
    content: bytes | None = b"nameserver 192.0.2.1\n"
    link: str = ""
    network_manager: tuple[str, ...] = ()


CASES = [
    Case("no resolv.conf at all", Way.RESOLV_CONF, content=None),
    Case("a plain file", Way.RESOLV_CONF),
    Case("a link to the stub", Way.RESOLVED, link="../run/systemd/resolve/stub-resolv.conf"),
    Case("a link to its servers", Way.RESOLVED, link="/run/systemd/resolve/resolv.conf"),
    Case("a copy of the stub's file", Way.RESOLVED, content=b"nameserver 127.0.0.53\n"),
    Case("the stub in a comment", Way.RESOLV_CONF, content=b"# nameserver 127.0.0.53\n"),
    Case("NetworkManager's dnsmasq", Way.DNSMASQ, network_manager=("[main]\ndns=dnsmasq\n",)),
    Case("NetworkManager without", Way.RESOLV_CONF, network_manager=("[main]\ndns=default\n",)),
    Case(
        "dnsmasq before the stub",
        Way.RESOLVED,
        content=b"nameserver 127.0.0.53\n",
        network_manager=("[main]\ndns=dnsmasq\n",),
    ),
    Case("octets that are no text", Way.RESOLV_CONF, content=b"\xff\xfe nameserver\n"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_resolves_names_is_detected(case: Case) -> None:
    machine = Machine(
        resolv_conf=case.content, link=case.link, network_manager=case.network_manager
    )
    assert detect(machine) is case.way


@pytest.mark.parametrize(
    ("texts", "dns"),
    [
        ((), ""),
        (("[main]\nplugins=keyfile\n",), ""),
        (("[main]\ndns=dnsmasq\n", "[main]\ndns = none\n"), "none"),
        (("[main]\ndns=dnsmasq\n", "no ini file"), "dnsmasq"),
        (("[main]\ndns=dnsmasq\n", "[device]\nwifi.scan=%x\n"), "dnsmasq"),
    ],
)
def test_the_last_word_of_network_manager_counts(texts: tuple[str, ...], dns: str) -> None:
    assert network_manager_dns(texts) == dns


def test_a_folder_lies_in_all_those_above_it() -> None:
    assert lineage("/etc/systemd/x") == ["/etc/systemd/x", "/etc/systemd", "/etc"]
