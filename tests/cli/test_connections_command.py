"""What ``netemu connections`` says."""

from netemu.cli.connections_command import Row, cells, changes


def row(client: str, seconds: float = 1.0) -> Row:
    return {
        "protocol": "TCP",
        "client": client,
        "namespace": "default",
        "service": "web",
        "port": "",
        "endpoint": "10.244.0.2:80",
        "seconds": seconds,
        "received": 10,
        "sent": 2000,
    }


def test_a_connection_is_one_line() -> None:
    assert cells(row("10.244.0.9:5000", 2.345)) == [
        "TCP",
        "10.244.0.9:5000",
        "default/web",
        "-",
        "10.244.0.2:80",
        "2.3 s",
        "10",
        "2000",
    ]


def test_watching_tells_what_ended_and_what_opened() -> None:
    stays, ends, opens = "10.244.0.1:1", "10.244.0.2:2", "10.244.0.3:3"
    before = [row(stays), row(ends)]
    after = [row(stays, 9.0), row(opens)]
    assert changes(before, after) == [("-", row(ends)), ("+", row(opens))]
    assert changes(after, after) == []
