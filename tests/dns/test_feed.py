import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.dns.chain import Configuration
from netemu.dns.feed import fed, feed_between, suits_workers
from netemu.model.latest import Latest
from netemu.model.snapshot import EMPTY, Snapshot
from tests.dns.cluster import CLUSTER, configured
from tests.dns.test_responder import OBJECTS, Walk


def same(one: Snapshot, other: Snapshot) -> bool:
    """As far as workers answer from it."""
    return (one.services, one.owners, one.namespaces, one.revision, one.synced) == (
        other.services,
        other.owners,
        other.namespaces,
        other.revision,
        other.synced,
    )


def test_a_first_feed_gives_the_whole() -> None:
    assert same(fed(EMPTY, feed_between(EMPTY, CLUSTER)), CLUSTER)


def test_what_didnt_change_isnt_fed() -> None:
    feed = feed_between(CLUSTER, CLUSTER)
    assert (feed.services, feed.namespaces) == ({}, None)
    after = fed(CLUSTER, feed)
    assert after.services is CLUSTER.services


@given(st.lists(st.tuples(st.sampled_from(OBJECTS), st.booleans(), st.booleans()), max_size=25))
def test_feeds_lead_to_the_same(
    steps: list[tuple[tuple[str, dict[str, object]], bool, bool]],
) -> None:
    walk, seen, theirs = Walk(), EMPTY, Latest(EMPTY)
    for (resource, obj), put, feeds in steps:
        walk.step(resource, obj, put=put)
        if feeds:
            feed = pickle.loads(pickle.dumps(feed_between(seen, walk.latest.value)))
            theirs.replace(fed(theirs.value, feed))
            seen = walk.latest.value
            assert same(theirs.value, seen)


CONFIGURATIONS = {
    "kubernetes cluster.local": True,
    "forward . 192.0.2.1": True,
    "kubernetes cluster.local {\n pods verified\n}": False,
    "kubernetes cluster.local\n autopath @kubernetes": False,
}


@pytest.mark.parametrize(("lines", "suits"), CONFIGURATIONS.items())
def test_workers_answer_where_pods_dont_matter(lines: str, suits: bool) -> None:
    assert suits_workers(configured(f". {{\n{lines}\n}}")) is suits


def test_configurations_travel() -> None:
    text = """. {
        rewrite name regex (.*)a b{1}.
        template IN A {
            match "^(?P<x>.)"
            answer "{{ .Name }} A 10.0.0.1"
        }
        hosts /etc/hosts {
            10.0.0.1 a
        }
        kubernetes cluster.local
        forward . 192.0.2.1
        cache
        loadbalance
    }"""
    made = configured(text, hosts="")
    again: Configuration = pickle.loads(pickle.dumps(made))
    assert again == made
