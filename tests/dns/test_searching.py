import pytest

from netemu.dns.records import Name, name_from
from netemu.dns.searching import (
    CHAIN_SECONDS,
    Searching,
    SearchList,
    SearchStep,
    candidates,
    list_from,
    pod_list,
)

ZONE = name_from("cluster.local")
POD = pod_list("default", ZONE)
LIST = ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"]


def text(name: Name) -> str:
    return b".".join(name).decode()


@pytest.mark.parametrize(
    ("name", "ndots", "expected"),
    [
        ("web", 5, [f"web.{domain}" for domain in LIST] + ["web"]),
        ("a.b.c.d.e", 5, [f"a.b.c.d.e.{domain}" for domain in LIST] + ["a.b.c.d.e"]),
        ("a.b.c.d.e.f", 5, ["a.b.c.d.e.f"] + [f"a.b.c.d.e.f.{domain}" for domain in LIST]),
        ("web.", 5, ["web"]),
        ("example.org", 1, ["example.org"] + [f"example.org.{domain}" for domain in LIST]),
        ("web", 0, ["web"] + [f"web.{domain}" for domain in LIST]),
    ],
)
def test_what_glibc_tries(name: str, ndots: int, expected: list[str]) -> None:
    search = list_from(LIST, [f"ndots:{ndots}"])
    assert [text(candidate.name) for candidate in candidates(name, search)] == expected


def test_without_a_list_the_name_is_tried_as_it_is() -> None:
    assert [text(each.name) for each in candidates("web", SearchList())] == ["web"]


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no domain name"):
        candidates("a..b", POD)


def test_a_pods_list_is_what_its_resolv_conf_says() -> None:
    assert list_from(LIST, ["ndots:5"]) == POD
    assert list_from([], ["ndots:99", "timeout:1"]).ndots == 15
    assert list_from([], []).ndots == 1


class Client:
    """Asks, and hears which step that was."""

    def __init__(self) -> None:
        self.searching = Searching()
        self.time = 0.0

    def asks(self, name: str, kind: int = 1, client: str = "10.244.0.5") -> str:
        self.time += 0.001
        step = self.searching.step(self.time, client, kind, name_from(name), POD)
        return f"{step.step}/{step.of} {step.name}" if step else ""


def test_a_walk_is_followed_to_its_end() -> None:
    client = Client()
    steps = [client.asks(text(each.name)) for each in candidates("www.example.org", POD)]
    assert steps == [f"{number}/4 www.example.org" for number in (1, 2, 3, 4)]


def test_a_full_name_is_the_second_step_of_a_shorter_one() -> None:
    client = Client()
    assert client.asks("web.default.default.svc.cluster.local") == "1/4 web.default"
    assert client.asks("web.default.svc.cluster.local") == "2/4 web.default"


def test_the_first_step_stands_for_itself() -> None:
    assert Client().asks("web.default.svc.cluster.local") == "1/4 web"


def test_a_name_that_nobody_searched_for_is_no_step() -> None:
    client = Client()
    assert client.asks("www.example.org") == ""
    assert client.asks("web.other.svc.cluster.local") == ""
    assert client.asks("default.svc.cluster.local") == ""


def test_walks_that_run_at_once_are_told_apart() -> None:
    client = Client()
    for domain, step in zip(LIST, "123", strict=True):
        assert client.asks(f"a.{domain}", 1) == f"{step}/4 a"
        assert client.asks(f"a.{domain}", 28) == f"{step}/4 a"
        assert client.asks(f"b.{domain}", 1) == f"{step}/4 b"
    assert client.asks("a", client="10.244.0.9") == ""
    assert client.asks("a", 28) == "4/4 a"


def test_a_question_asked_again_is_the_same_step() -> None:
    client = Client()
    client.asks("a.default.svc.cluster.local")
    assert client.asks("a.svc.cluster.local") == "2/4 a"
    assert client.asks("a.svc.cluster.local") == "2/4 a"
    assert client.asks("a.cluster.local") == "3/4 a"


def test_long_ago_is_another_walk() -> None:
    client = Client()
    client.asks("a.default.svc.cluster.local")
    client.time += CHAIN_SECONDS
    assert client.asks("a.svc.cluster.local") == ""


def test_a_step_names_its_domain() -> None:
    searching = Searching()
    assert searching.step(0.0, "x", 1, name_from("a.default.svc.cluster.local"), POD) == (
        SearchStep(name="a", step=1, of=4, domain="default.svc.cluster.local.")
    )
