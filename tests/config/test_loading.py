from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import pytest

from netemu.config.loading import BadSettings, check_name, load, read_file
from netemu.config.settings import IpFamily, NetMode, Settings

STATE = Path("state")


def test_nothing_given_means_the_defaults() -> None:
    assert load({}, state_dir=STATE) == Settings(state_dir=STATE)


def test_a_file_sets_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "netemu.yaml"
    file.write_text(
        "net: rootless\nnetwork:\n  services: 10.32.0.0/16\n  nodePorts: [31000, 31999]\n"
        "dns: {ttl: 30}\nnode:\n  stopSeconds: 1\n"
    )
    settings = load(read_file(file), state_dir=STATE)
    assert settings.net is NetMode.ROOTLESS
    assert settings.network.services == IPv4Network("10.32.0.0/16")
    assert settings.network.node_ports == (31000, 31999)
    assert settings.dns.ttl == 30
    assert settings.dns.zone == "cluster.local"
    assert settings.node.stop_seconds == 1.0


def test_options_win_over_the_file_and_none_is_no_option() -> None:
    given = {"name": "a", "net": "root", "node": {"count": 5, "stopSeconds": 9}}
    settings = load(given, state_dir=STATE, name="b", net=None, node_count=3)
    assert (settings.name, settings.net) == ("b", NetMode.ROOT)
    assert (settings.node.count, settings.node.stop_seconds) == (3, 9.0)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"dns": {"tll": 5}}, 'unknown setting "dns.tll" (did you mean "ttl"?)'),
    ({"qqq": 5}, 'unknown setting "qqq" (there are api, '),
    ({"dns": {"ttl": "5"}}, "dns.ttl must be a whole number, not '5'"),
    ({"dns": {"ttl": True}}, "dns.ttl must be a whole number, not True"),
    ({"dns": {"ttl": 4000}}, "dns.ttl must be within 0..3600, not 4000"),
    ({"dns": 5}, "dns must have settings below it, not 5"),
    ({"dns": [1]}, "dns must have settings below it, not a list"),
    ({"net": "bridge"}, "net: 'bridge' is not a valid NetMode"),
    ({"network": {"services": "10.96.0.1/12"}}, "network.services: 10.96.0.1/12 has host bits set"),
    ({"network": {"pods": "10.96.0.0/16"}}, "network.services and network.pods overlap"),
    ({"network": {"nodePorts": [5]}}, "network.nodePorts must be a list of 2"),
    ({"network": {"ipFamilies": "IPv4"}}, "network.ipFamilies must be a list"),
    ({"network": {"ipFamilies": ["IPv5"]}}, "network.ipFamilies: 'IPv5' is not a valid IpFamily"),
    (
        {"network": {"ipFamilies": []}},
        "network.ipFamilies must be IPv4, IPv6, or each of them once",
    ),
    (
        {"network": {"ipFamilies": ["IPv6", "IPv6"]}},
        "network.ipFamilies must be IPv4, IPv6, or each of them once",
    ),
    (
        {"network": {"ipFamilies": ["IPv6"], "pods6": "fd00:10:96::/56"}},
        "network.services6 and network.pods6 overlap",
    ),
    ({"node": {"count": 0}}, "nodes must be within 1..200, not 0"),
]


@pytest.mark.parametrize(("given", "said"), BAD, ids=[said for _, said in BAD])
def test_a_bad_setting_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load(given, source="netemu.yaml", state_dir=STATE)
    assert str(caught.value).startswith(f"netemu.yaml: {said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a: [", "is not YAML"), (b"- a\n", "not a list"), (b"\xff\xfe\x00", "is not YAML")],
)
def test_a_bad_file_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(BadSettings) as caught:
        read_file(tmp_path / "f")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="No such file"):
        read_file(tmp_path / "none")


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a/b", "..", "x" * 33, "ä"])
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(BadSettings):
        check_name(name)


@pytest.mark.parametrize("name", ["default", "a", "ci-7", "x" * 32])
def test_plain_names_are_fine(name: str) -> None:
    assert check_name(name) == name


def test_names_with_values_are_a_mapping() -> None:
    given = {"dns": {"hosts": {"db.example": "192.0.2.1"}, "ttls": {"web.example": 1}}}
    dns = load(given, state_dir=Path()).dns
    assert dns.hosts == {"db.example": "192.0.2.1"}
    assert dns.ttls == {"web.example": 1}
    for wrong, said in (
        ({"hosts": ["x"]}, "dns.hosts must be names with values, not a list"),
        ({"ttls": {"a.b": "x"}}, "dns.ttls.a.b must be a whole number, not 'x'"),
    ):
        with pytest.raises(BadSettings) as raised:
            load({"dns": wrong}, state_dir=Path())
        assert str(raised.value) == said


def test_address_families_are_a_list_in_their_order() -> None:
    given = {"network": {"ipFamilies": ["IPv6", "IPv4"], "services6": "fd00:1::/112"}}
    network = load(given, state_dir=STATE).network
    assert network.ip_families == (IpFamily.IPV6, IpFamily.IPV4)
    assert network.services6 == IPv6Network("fd00:1::/112")
