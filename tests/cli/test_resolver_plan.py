import pytest

from netemu.cli.resolver_machine import RESOLV_CONF, Machine, Way
from netemu.cli.resolver_plan import (
    Impossible,
    MakeFolder,
    Reload,
    RemoveFile,
    RemoveFolder,
    Server,
    WriteFile,
    install,
    place,
    remarks,
    remove,
    settings,
)

SERVER = Server("default", "127.0.0.1", 1053, "cluster.local")
ON_53 = Server("default", "127.0.0.1", 53, "cluster.local")
RESOLVED = "/etc/systemd/resolved.conf.d/netemu-default.conf"
WITH_SYSTEMD = Machine(folders=frozenset({"/etc", "/etc/systemd"}))


def test_resolved_gets_a_file_with_a_routing_domain() -> None:
    folder, write, reload = install(WITH_SYSTEMD, Way.RESOLVED, SERVER)
    assert folder == MakeFolder("/etc/systemd/resolved.conf.d")
    assert isinstance(write, WriteFile)
    assert write.path == RESOLVED
    assert write.content.decode().splitlines()[2:] == [
        "[Resolve]",
        "DNS=127.0.0.1:1053",
        "Domains=~cluster.local",
    ]
    assert reload == Reload("systemd-resolved")


def test_dnsmasq_gets_a_server_for_the_domain() -> None:
    assert settings(Way.DNSMASQ, SERVER) == "server=/cluster.local/127.0.0.1#1053\n"
    *_, reload = install(Machine(), Way.DNSMASQ, SERVER)
    assert reload == Reload("NetworkManager")


def test_resolv_conf_asks_the_instance_first() -> None:
    machine = Machine(resolv_conf=b"nameserver 192.0.2.1\n")
    (write,) = install(machine, Way.RESOLV_CONF, ON_53)
    assert isinstance(write, WriteFile)
    lines = write.content.decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "nameserver 127.0.0.1",
        "nameserver 192.0.2.1",
    ]


def test_resolv_conf_gets_the_address_with_port_53_if_there_is_one() -> None:
    both = Server("default", "127.0.0.1", 1053, "cluster.local", plain="127.130.0.10")
    assert settings(Way.RESOLV_CONF, both) == "nameserver 127.130.0.10\n"
    assert place(Way.RESOLV_CONF, both) == "127.130.0.10:53"
    assert settings(Way.DNSMASQ, both) == "server=/cluster.local/127.0.0.1#1053\n"
    assert place(Way.DNSMASQ, both) == "127.0.0.1:1053"
    assert place(Way.RESOLV_CONF, ON_53) == "127.0.0.1:53"


def test_resolv_conf_knows_no_port() -> None:
    with pytest.raises(Impossible, match="can only mean port 53"):
        install(Machine(resolv_conf=b""), Way.RESOLV_CONF, SERVER)


def test_a_resolv_conf_that_another_program_writes_is_left_alone() -> None:
    machine = Machine(resolv_conf=b"", link="/run/resolvconf/resolv.conf")
    with pytest.raises(Impossible, match="is a link to /run/resolvconf/resolv.conf"):
        install(machine, Way.RESOLV_CONF, ON_53)
    assert remove(machine, "default") == []


def test_a_file_of_somebody_else_is_not_replaced() -> None:
    machine = Machine(files={RESOLVED: b"[Resolve]\n"})
    with pytest.raises(Impossible, match="was not written by netemu"):
        install(machine, Way.RESOLVED, SERVER)
    assert remove(machine, "default") == []


def test_two_instances_cannot_have_one_domain() -> None:
    (*_, write, _) = install(WITH_SYSTEMD, Way.RESOLVED, SERVER)
    assert isinstance(write, WriteFile)
    machine = Machine(files={write.path: write.content})
    other = Server("other", "127.0.0.1", 1054, "cluster.local")
    with pytest.raises(Impossible, match='leads cluster.local to instance "default"'):
        install(machine, Way.RESOLVED, other)
    elsewhere = Server("other", "127.0.0.1", 1054, "other.local")
    assert install(machine, Way.RESOLVED, elsewhere)


def test_installing_twice_does_nothing_and_a_new_port_is_taken_over() -> None:
    (*_, write, _) = install(WITH_SYSTEMD, Way.RESOLVED, SERVER)
    assert isinstance(write, WriteFile)
    machine = Machine(files={write.path: write.content})
    assert install(machine, Way.RESOLVED, SERVER) == []
    changed, reload = install(machine, Way.RESOLVED, Server("default", "127.0.0.1", 1, "x.y"))
    assert isinstance(changed, WriteFile)
    assert b"DNS=127.0.0.1:1\n" in changed.content
    assert b"folders made for it: 1." in changed.content  # still to be taken away
    assert reload == Reload("systemd-resolved")


def test_removing_takes_away_the_folders_that_were_made() -> None:
    (*_, write, _) = install(Machine(folders=frozenset({"/etc"})), Way.RESOLVED, SERVER)
    assert isinstance(write, WriteFile)
    assert remove(Machine(files={write.path: write.content}), "default") == [
        RemoveFile(RESOLVED),
        RemoveFolder("/etc/systemd/resolved.conf.d"),
        RemoveFolder("/etc/systemd"),
        Reload("systemd-resolved"),
    ]


@pytest.mark.parametrize("content", [None, b"", b"nameserver 192.0.2.1", b"\xff\n\n"])
def test_lines_taken_out_leave_what_was_there(content: bytes | None) -> None:
    (write,) = install(Machine(resolv_conf=content), Way.RESOLV_CONF, ON_53)
    assert isinstance(write, WriteFile)
    edited = write.content + (b"" if content is None else b"# edited since\n")
    (undone,) = remove(Machine(resolv_conf=edited), "default")
    if content is None:
        assert undone == RemoveFile(RESOLV_CONF)
    else:
        assert undone == WriteFile(RESOLV_CONF, content + b"# edited since\n")


def test_a_server_that_falls_off_the_list_is_told() -> None:
    content = b"nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\n"
    machine = Machine(resolv_conf=content)
    assert remarks(machine, install(machine, Way.RESOLV_CONF, ON_53)) == [
        "resolvers heed 3 servers: 1.0.0.3 is asked no longer"
    ]
    shorter = Machine(resolv_conf=content[:38])
    assert remarks(shorter, install(shorter, Way.RESOLV_CONF, ON_53)) == []
    assert remarks(WITH_SYSTEMD, install(WITH_SYSTEMD, Way.DNSMASQ, SERVER)) == []


def test_resolved_asks_for_more_than_it_is_told_to() -> None:
    (remark,) = remarks(WITH_SYSTEMD, install(WITH_SYSTEMD, Way.RESOLVED, SERVER))
    assert "asks the servers in /run/systemd/resolve/resolv.conf" in remark
