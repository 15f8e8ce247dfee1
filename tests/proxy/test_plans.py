"""Whatever way leads to a snapshot, the proxy ends where the whole of it would."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netemu.model import resources
from netemu.model.meta import Object
from netemu.model.snapshot import advance
from netemu.proxy.entrance import Entrance
from netemu.proxy.flows import Front
from netemu.proxy.openings import Openings
from netemu.proxy.route import Path
from netemu.proxy.site import Backend
from tests.proxy.harness import (
    ON_LOOPBACK,
    service_object,
    slice_object,
    wanted,
)
from tests.proxy.loopback import Cluster, proxying
from tests.support.clock import FakeClock

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["apply", "share", "endpoints", "no endpoints", "delete"]),
        st.booleans(),
    ),
    max_size=30,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANGES)
def test_following_changes_ends_where_the_whole_snapshot_would(
    changes: list[tuple[str, str, bool]],
) -> None:
    """Whatever way led to a snapshot, the listeners are those `wanted` says; twice is once."""
    asyncio.run(follow(changes))


async def follow(changes: list[tuple[str, str, bool]]) -> None:
    cluster = Cluster()
    snapshot = cluster.latest.value
    objects: dict[tuple[str, str], Object] = {}
    async with proxying(cluster, FakeClock()) as proxy:
        for name, change, told in changes:
            resource, obj = changed_object(name, change, cluster.port)
            old = objects.pop((resource, name), None)
            snapshot = advance(snapshot, resource, old, obj)
            if obj is not None:
                objects[resource, name] = obj
            if told:  # not every step is seen: some arrive in batches
                cluster.latest.replace(snapshot)
        for _ in range(2):
            proxy.follow(snapshot)
            expected = wanted(snapshot, ON_LOOPBACK, 2, loopback=True)
            openings = proxy._listeners
            assert isinstance(openings, Openings)
            opened = openings._listeners._open
            assert {each: backend_of(there) for each, there in opened.items()} == expected


def backend_of(opened: Entrance | Front) -> Backend:
    way = opened.route if isinstance(opened, Entrance) else opened.way
    assert isinstance(way, Path)
    return way.route.backend


def changed_object(name: str, change: str, port: int) -> tuple[str, Object | None]:
    address = str(ON_LOOPBACK.services[ord(name)])
    match change:
        case "apply":
            return resources.SERVICES, service_object(name, address, port)
        case "share":
            obj = service_object(name, address, port)
            obj["spec"]["externalIPs"] = [str(ON_LOOPBACK.load_balancers[0])]
            return resources.SERVICES, obj
        case "endpoints":
            return resources.ENDPOINT_SLICES, slice_object(name, ("127.0.0.1", 9))
        case "no endpoints":
            return resources.ENDPOINT_SLICES, slice_object(name)
        case _:
            return resources.SERVICES, None
