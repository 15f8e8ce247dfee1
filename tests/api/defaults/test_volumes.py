from typing import Any

import pytest

from netemu.api.defaults import with_defaults
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from tests.support.objects import a_pod


def defaulted(obj: Object) -> Any:
    return with_defaults(BY_KEY["pods"], obj)


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({}, {"emptyDir": {}}),
        ({"emptyDir": {}}, {"emptyDir": {}}),
        ({"secret": {"secretName": "s"}}, {"secret": {"secretName": "s", "defaultMode": 420}}),
        (
            {"configMap": {"name": "c", "defaultMode": 0}},
            {"configMap": {"name": "c", "defaultMode": 0}},
        ),
        ({"hostPath": {"path": "/x"}}, {"hostPath": {"path": "/x", "type": ""}}),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
            {
                "projected": {
                    "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
                    "defaultMode": 420,
                }
            },
        ),
    ],
)
def test_volumes(volume: Object, expected: Object) -> None:
    pod = defaulted(a_pod(volumes=[{"name": "v", **volume}]))
    assert pod["spec"]["volumes"] == [{"name": "v", **expected}]
