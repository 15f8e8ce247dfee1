import pytest

from netemu.controllers.statefulspec import claims_needed, stateful_set_from
from tests.support.workload import workload


@pytest.mark.parametrize(
    ("wish", "replicas", "unavailable"),
    [(1, 3, 1), (0, 3, 1), (2, 3, 2), ("50%", 5, 2), ("10%", 5, 1)],
)
def test_how_many_may_be_down(wish: int | str, replicas: int, unavailable: int) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": wish}}
    obj = workload("StatefulSet", replicas=replicas, updateStrategy=strategy)
    assert stateful_set_from(obj).unavailable == unavailable


def test_the_range_begins_at_its_start() -> None:
    wanted = stateful_set_from(workload("StatefulSet", replicas=2, ordinals={"start": 5}))
    assert [number for number in range(10) if wanted.wants(number)] == [5, 6]


def test_claims_of_pods_that_are_there_count_too() -> None:
    templates = [{"metadata": {"name": "data"}}]
    obj = workload("StatefulSet", replicas=1, volumeClaimTemplates=templates)
    pod = {"metadata": {"name": "web-4"}}
    assert claims_needed(obj, [pod]) == {"data-web-0", "data-web-4"}
