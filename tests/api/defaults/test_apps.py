from typing import Any

from netemu.api.defaults import with_defaults
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from tests.support.objects import a_deployment


def defaulted(resource: str, obj: Object) -> Any:
    return with_defaults(BY_KEY[resource], obj)["spec"]


def test_a_deployment_rolls_a_quarter_at_a_time() -> None:
    spec = defaulted("deployments.apps", a_deployment(minReadySeconds=0, paused=False))
    template = spec.pop("template")
    assert spec == {
        "selector": {"matchLabels": {"app": "web"}},
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        },
    }
    assert template["spec"]["dnsPolicy"] == "ClusterFirst"
    assert "enableServiceLinks" not in template["spec"]


def test_zero_is_a_number_of_replicas() -> None:
    assert defaulted("deployments.apps", a_deployment(replicas=0))["replicas"] == 0


def test_a_strategy_of_its_own_stays() -> None:
    recreate = {"type": "Recreate"}
    assert defaulted("deployments.apps", a_deployment(strategy=recreate))["strategy"] == recreate
    one = {"rollingUpdate": {"maxSurge": 0}}
    assert defaulted("deployments.apps", a_deployment(strategy=one))["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%"},
    }


def test_a_replica_set_has_one_replica() -> None:
    spec = defaulted("replicasets.apps", a_deployment())
    assert spec["replicas"] == 1
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert "strategy" not in spec


def test_a_stateful_set_starts_in_order_and_keeps_its_claims() -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    spec = defaulted("statefulsets.apps", a_deployment(volumeClaimTemplates=[claim]))
    assert spec["podManagementPolicy"] == "OrderedReady"
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    assert spec["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    }
    assert spec["volumeClaimTemplates"] == [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"},
            "status": {"phase": "Pending"},
        }
    ]
