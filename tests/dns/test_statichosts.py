import pytest

from netemu.dns import statichosts
from netemu.dns.records import name_from
from netemu.dns.statichosts import table

TEXT = """
# comment
127.0.0.1 localhost localhost.localdomain # end
::1 localhost
192.0.2.1 WEB.example
192.0.2.1 web.example other.example
fe80::1%eth0 scoped
nonsense web.example
192.0.2.9
192.0.2.8 bad..name good
"""


def test_lines_are_names_and_addresses() -> None:
    addresses, names = table(TEXT.splitlines())
    assert addresses[name_from("localhost")] == ("127.0.0.1", "::1")
    assert addresses[name_from("web.example")] == ("192.0.2.1",)
    assert addresses[name_from("scoped")] == ("fe80::1",)
    assert addresses[name_from("good")] == ("192.0.2.8",)
    assert names["192.0.2.1"] == (name_from("web.example"), name_from("other.example"))
    assert "192.0.2.9" not in names


def test_reverse_names_may_be_left_out() -> None:
    assert table(TEXT.splitlines(), reverse=False)[1] == {}


def test_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statichosts, "MOST_LINES", 3)
    assert len(table(f"10.0.0.{n} n{n}" for n in range(9))[0]) == 3
