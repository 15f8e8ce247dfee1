"""Who must leave a tainted node, and when."""

import pytest

from netemu.clock import rfc3339
from netemu.controllers.actions import Delete, Tell
from netemu.controllers.tainteviction import Observed, leaves_in, plan
from netemu.model.meta import Object
from tests.support.samples import NOW, pod

KEY = "node.kubernetes.io/unreachable"
TAINT = {"key": KEY, "effect": "NoExecute", "timeAdded": rfc3339(NOW)}


def seen(*tolerations: Object, now: float = NOW, deleting: bool = False) -> Observed:
    obj = pod("p", tolerations=list(tolerations), deleting=deleting)
    return Observed(pod=obj, taints=[TAINT], now=now)


@pytest.mark.parametrize(
    ("tolerations", "wait"),
    [
        ([], 0.0),
        ([{"operator": "Exists"}], None),
        ([{"key": KEY, "operator": "Exists", "effect": "NoExecute"}], None),
        ([{"key": KEY, "operator": "Exists", "tolerationSeconds": 300}], 290.0),
        ([{"key": KEY, "operator": "Exists", "tolerationSeconds": 5}], 0.0),
        ([{"key": KEY, "operator": "Exists", "effect": "NoSchedule"}], 0.0),
        ([{"key": KEY, "value": "x"}], 0.0),
        ([{"key": KEY}], None),
        (
            [
                {"key": KEY, "operator": "Exists", "tolerationSeconds": 60},
                {"operator": "Exists", "tolerationSeconds": 300},
            ],
            50.0,
        ),
    ],
)
def test_how_long_a_pod_may_stay(tolerations: list[Object], wait: float | None) -> None:
    assert leaves_in(seen(*tolerations, now=NOW + 10)) == wait


def test_it_says_why_it_goes() -> None:
    actions = plan(seen())
    assert any(isinstance(action, Delete) for action in actions)
    (said,) = (action.message for action in actions if isinstance(action, Tell))
    assert said == "Marking for deletion Pod default/p"


def test_what_is_going_already_is_left_alone() -> None:
    assert plan(seen(deleting=True)) == []
