from typing import Any

import pytest

from netemu.dns.questions import DnsQuestions, Unanswered
from netemu.dns.records import name_from
from tests.dns.cluster import configured
from tests.dns.test_querylog import Logged, pod

SVC = "default.svc.cluster.local"
RESOLVER = ([SVC, "svc.cluster.local", "cluster.local"], ["ndots:5"])


def questions(logged: Logged) -> DnsQuestions:
    def resolver_of(namespace: str, name: str) -> Any:
        return {"shell": RESOLVER, "odd": (["a..b"], [])}.get(name)

    zone = name_from("cluster.local")
    return DnsQuestions(logged.log, logged.latest, configured, zone, resolver_of)


async def test_the_log_is_read_by_cursor() -> None:
    logged = Logged()
    logged.change(None, pod("shell", "10.244.0.5"))
    for name in ("web", "db", "gone"):
        logged.ask(f"{name}.{SVC}")
    asked = questions(logged)
    page = await asked.log({})
    assert [entry["name"] for entry in page["entries"]] == [
        f"{name}.{SVC}." for name in ("web", "db", "gone")
    ]
    first = page["entries"][0]
    assert first["time"] == "1970-01-01T00:16:40.001000Z"
    assert first["search"] == {"name": "web", "step": 1, "of": 4, "domain": f"{SVC}."}
    assert (page["cursor"], page["more"], page["missed"]) == (3, False, 0)
    logged.ask(f"idle.{SVC}")
    page = await asked.log({"cursor": 3})
    assert [entry["answers"] for entry in page["entries"]] == [("10.96.0.9",)]


async def test_the_log_is_read_in_part() -> None:
    logged = Logged()
    logged.change(None, pod("shell", "10.244.0.5"))
    for client in ("10.244.0.5", "10.244.0.6"):
        for name in ("web", "db"):
            logged.ask(f"{name}.{SVC}", client=client)
    asked = questions(logged)
    for question, numbers in (
        ({"tail": 1}, [3]),
        ({"tail": 0}, []),
        ({"query": "web"}, [0, 2]),
        ({"query": "WEB."}, [0, 2]),
        ({"pod": "default/shell"}, [0, 1]),
        ({"pod": "default/shell", "query": "db"}, [1]),
    ):
        page = await asked.log(question)
        assert [entry["number"] for entry in page["entries"]] == numbers


async def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(Unanswered, match="no domain name"):
        await questions(Logged()).log({"query": "a..b"})


async def test_a_name_is_explained_for_a_pod() -> None:
    logged = Logged()
    logged.change(None, pod("shell", "10.244.0.5"))
    found = await questions(logged).explain({"name": "web", "pod": "default/shell"})
    assert found["pod"] == "default/shell"
    assert found["search"] == tuple(f"{domain}." for domain in RESOLVER[0])
    assert found["steps"][0]["answers"] == ("10.96.0.7",)
    assert found["verdict"] == "found with question 1"


async def test_without_a_pod_the_default_namespace_asks() -> None:
    found = await questions(Logged()).explain({"name": "web", "type": "srv"})
    assert (found["pod"], found["ndots"], found["type"]) == ("", 5, "SRV")


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ({"name": "a..b"}, "no domain name"),
        ({"name": "a", "type": "B"}, "is no type of DNS records"),
        ({"name": "a", "pod": "default/gone"}, 'pods "gone" not found in namespace "default"'),
        ({"name": "a", "pod": "shell"}, "is no pod: use NAMESPACE/NAME"),
        ({"name": "a", "pod": "default/odd"}, "the resolv.conf of pod default/odd"),
    ],
)
async def test_what_makes_no_sense_is_refused(question: dict[str, str], why: str) -> None:
    with pytest.raises(Unanswered, match=why):
        await questions(Logged()).explain(question)
