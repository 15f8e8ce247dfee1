import pytest

from netemu.dns.consult import Consultation
from netemu.dns.explain import Explanation, explain
from netemu.dns.nodes import View
from netemu.dns.presentation import type_number
from netemu.dns.records import name_from
from netemu.dns.searching import SearchList, pod_list
from netemu.model.snapshot import EMPTY, Snapshot
from tests.dns.cluster import CLUSTER, configured
from tests.dns.test_querylog import Logged

POD = pod_list("default", name_from("cluster.local"))
SVC = "default.svc.cluster.local"
ALONE = ".:53 {\n kubernetes cluster.local in-addr.arpa\n}\n"


def explained(
    name: str,
    kind: str = "A",
    *,
    search: SearchList = POD,
    corefile: str = "",
    snapshot: Snapshot = CLUSTER,
) -> Explanation:
    consultation = Consultation(configured(corefile), snapshot, View(), "10.244.0.5")
    return explain(name, type_number(kind), search, consultation)


def lines(found: Explanation) -> list[str]:
    steps = [f"{s.name} {s.rcode} {','.join(s.answers)}".strip() for s in found.steps]
    return [*steps, found.verdict]


def test_a_service_of_the_own_namespace_is_found_at_once() -> None:
    found = explained("web")
    assert lines(found) == [f"web.{SVC}. NOERROR 10.96.0.7", "found with question 1"]
    assert found.steps[0].domain == f"{SVC}."
    assert found.steps[0].why == (
        'Service "default/web" has a virtual IP; 2 ready endpoints behind it'
    )
    assert (found.search[1], found.ndots) == ("svc.cluster.local.", 5)


def test_another_namespace_takes_two_questions() -> None:
    found = explained("google.com")
    assert lines(found) == [
        f"google.com.{SVC}. NXDOMAIN",
        "google.com.svc.cluster.local. NOERROR 10.96.0.22",
        "found with question 2",
    ]


def test_a_name_of_others_goes_through_the_whole_list_first() -> None:
    found = explained("www.example.org")
    assert lines(found) == [
        f"www.example.org.{SVC}. NXDOMAIN",
        "www.example.org.svc.cluster.local. NXDOMAIN",
        "www.example.org.cluster.local. NXDOMAIN",
        "www.example.org.",
        "known to other servers, if to anybody",
    ]
    assert found.steps[-1].why == "would be asked of 192.0.2.53:53"


def test_without_other_servers_the_resolver_gives_up() -> None:
    found = explained("www.example.org", corefile=ALONE)
    assert lines(found)[3:] == [
        "www.example.org. REFUSED",
        "not found: the resolver gives up at REFUSED",
    ]
    assert found.steps[-1].why.startswith("nobody is asked for such names")


def test_a_full_name_with_a_dot_is_asked_once() -> None:
    assert lines(explained(f"gone.{SVC}.")) == [
        f"gone.{SVC}. NXDOMAIN",
        "not found: no name of the search list has such records",
    ]


def test_a_missing_family_is_told_and_walked_past() -> None:
    found = explained("web", "AAAA")
    assert found.steps[0].rcode == "NOERROR"
    assert found.steps[0].why.endswith("behind it; no AAAA record")
    assert len(found.steps) == 4


def test_aliases_are_followed() -> None:
    found = explained("ext-web")
    assert lines(found) == [f"ext-web.{SVC}. NOERROR web.{SVC}.,10.96.0.7", "found with question 1"]
    outside = explained("ext")
    assert outside.steps[0].why == (
        'ExternalName Service "default/ext" stands for www.example.org; '
        "www.example.org. would be asked of 192.0.2.53:53"
    )


def test_a_headless_service_that_is_down_says_who_is_not_ready() -> None:
    found = explained(f"down.{SVC}.")
    assert found.steps[0].why.endswith("no ready endpoint; not ready: 10.244.0.13")


def test_before_the_first_list_there_are_no_denials() -> None:
    found = explained("web", snapshot=EMPTY)
    assert [step.rcode for step in found.steps[:3]] == ["SERVFAIL"] * 3
    assert found.steps[0].why == "the cluster's objects aren't all known yet"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("hosts /hosts example.org", "from the static hosts"),
        (
            'template IN A example.org {\n answer "{{ .Name }} 60 IN A 192.0.2.1"\n}',
            "made by a template",
        ),
    ],
)
def test_static_and_made_names_say_so(rule: str, why: str) -> None:
    corefile = f".:53 {{\n{rule}\n}}\n"
    consultation = Consultation(
        configured(corefile, hosts="192.0.2.1 www.example.org\n"), CLUSTER, View(), ""
    )
    found = explain("www.example.org.", 1, SearchList(), consultation)
    assert (found.steps[0].answers, found.steps[0].why) == (("192.0.2.1",), why)


def test_a_rewritten_name_is_told() -> None:
    corefile = f".:53 {{\nrewrite name exact old.example.org web.{SVC}\n{ALONE[7:]}"
    found = explained("old.example.org.", corefile=corefile)
    assert found.steps[0].answers == ("10.96.0.7",)
    assert found.steps[0].why == "a rule of the configuration makes it a name of the cluster"


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no domain name"):
        explained("a..b")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("cluster.local", "SOA"), (f"db.{SVC}", "SRV"), (f"ext-web.{SVC}", "A"), (SVC, "TXT")],
)
def test_an_explained_answer_is_the_one_that_is_sent(name: str, kind: str) -> None:
    logged = Logged()
    logged.ask(name, kind)
    (sent,) = logged.all()
    (step,) = explained(f"{name}.", kind).steps
    assert (step.rcode, sorted(step.answers)) == (sent.rcode, sorted(sent.answers))
