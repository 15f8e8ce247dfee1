from netemu.api.defaults import with_defaults
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY, POD_AUTOSCALERS, PRIORITY_CLASSES


def scaler(**spec: object) -> Object:
    obj: Object = {"metadata": {"name": "web"}, "spec": {"maxReplicas": 3, **spec}}
    found: Object = with_defaults(BY_KEY[POD_AUTOSCALERS], obj)["spec"]
    return found


def test_eighty_percent_of_the_requested_cpu() -> None:
    spec = scaler()
    assert spec["minReplicas"] == 1
    assert spec["metrics"] == [
        {
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 80},
            },
        }
    ]
    assert "behavior" not in spec


def test_a_behaviour_is_filled_up() -> None:
    found = scaler(behavior={"scaleDown": {"stabilizationWindowSeconds": 5}})["behavior"]
    assert found["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert [policy["type"] for policy in found["scaleUp"]["policies"]] == ["Pods", "Percent"]
    assert found["scaleDown"]["policies"] == [
        {"type": "Percent", "value": 100, "periodSeconds": 15}
    ]


def test_a_priority_class_preempts() -> None:
    found = with_defaults(BY_KEY[PRIORITY_CLASSES], {"metadata": {"name": "x"}, "value": 1})
    assert found["preemptionPolicy"] == "PreemptLowerPriority"
