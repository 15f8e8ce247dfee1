from netemu.cli.resolver_machine import Machine, Way
from netemu.cli.resolver_marks import Installed, block, block_in, folders_made, head, installed

RESOLVED = "/etc/systemd/resolved.conf.d/netemu-default.conf"


def test_a_file_of_ours_tells_what_was_made_for_it() -> None:
    assert folders_made(head("default", 2).encode(), "default") == 2


def test_a_file_of_another_instance_or_of_others_is_not_ours() -> None:
    assert folders_made(head("other", 0).encode(), "default") is None
    assert folders_made(b"[Resolve]\nDNS=192.0.2.1\n", "default") is None
    assert folders_made(b"", "default") is None
    assert folders_made(b"# a word before\n" + head("default", 0).encode(), "default") is None


def test_our_lines_are_found_among_those_of_others() -> None:
    ours = block("default", "nameserver 127.0.0.1\n", absent=False)
    content = b"# mine\n" + ours + b"nameserver 192.0.2.1"
    found = block_in(content, "default")
    assert found is not None
    assert content[slice(*found)] == ours
    assert block_in(content, "other") is None


def test_lines_without_their_end_are_left_alone() -> None:
    ours = block("default", "nameserver 127.0.0.1\n", absent=False)
    assert block_in(ours[:-5], "default") is None


def test_everything_installed_is_found() -> None:
    files = {
        RESOLVED: head("default", 0).encode() + b"[Resolve]\nDNS=127.0.0.1:1053\nDomains=~c.l\n",
        "/etc/systemd/resolved.conf.d/netemu-mine.conf": b"[Resolve]\nDNS=192.0.2.1:53\n",
        "/etc/NetworkManager/dnsmasq.d/netemu-two.conf": head("two", 1).encode()
        + b"server=/c.l/127.0.0.1#1054\n",
    }
    lines = block("three", "nameserver 127.0.0.1\n", absent=True)
    machine = Machine(resolv_conf=b"search x\n" + lines, files=files)
    assert installed(machine) == [
        Installed(Way.RESOLVED, RESOLVED, "default", "127.0.0.1:1053", "c.l"),
        Installed(
            Way.DNSMASQ,
            "/etc/NetworkManager/dnsmasq.d/netemu-two.conf",
            "two",
            "127.0.0.1:1054",
            "c.l",
        ),
        Installed(Way.RESOLV_CONF, "/etc/resolv.conf", "three", "127.0.0.1:53", ""),
    ]
