"""How much of a quota is used."""

from netemu.controllers.actions import WriteStatus
from netemu.controllers.resourcequota import ResourceQuotaController, plan
from netemu.model.client import Change
from netemu.model.meta import Object
from netemu.model.resources import RESOURCE_QUOTAS
from tests.support.api import registry_with_default

QUOTA: Object = {
    "metadata": {"name": "q", "namespace": "a"},
    "spec": {"hard": {"pods": "2", "secrets": "1"}},
}


def one_secret(kind: str) -> list[Object]:
    return [{}] if kind == "secrets" else []


def test_planning_on_its_own_result_gives_nothing() -> None:
    (action,) = plan(QUOTA, one_secret)
    assert isinstance(action, WriteStatus)
    assert action.resource == RESOURCE_QUOTAS
    assert action.status == {
        "hard": {"pods": "2", "secrets": "1"},
        "used": {"pods": "0", "secrets": "1"},
    }
    assert plan({**QUOTA, "status": action.status}, one_secret) == []


def test_what_is_gone_or_going_is_left_alone() -> None:
    going = {**QUOTA, "metadata": {**QUOTA["metadata"], "deletionTimestamp": "x"}}
    assert plan(None, one_secret) == plan(going, one_secret) == []


async def test_changes_touch_the_quotas_that_are_about_them() -> None:
    async with registry_with_default() as registry:
        client = registry.client("tests")
        controller = ResourceQuotaController.__new__(ResourceQuotaController)
        controller._client = client
        spec = {"hard": {"requests.cpu": "1"}}
        await client.create(
            RESOURCE_QUOTAS, {"metadata": {"name": "q", "namespace": "default"}, "spec": spec}
        )

        def touched(resource: str, namespace: str = "default") -> list[tuple[str, str]]:
            obj: Object = {"metadata": {"name": "x", "namespace": namespace}}
            return list(controller.observe(Change(resource, None, obj)))

        assert touched("pods") == touched(RESOURCE_QUOTAS) == [("default", "q")]
        assert touched("secrets") == touched("pods", "other") == touched("nodes", "") == []
