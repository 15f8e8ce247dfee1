from decimal import Decimal

from netemu.model.podresources import exact


def container(cpu: str, **more: object) -> dict[str, object]:
    return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}


def test_sidecars_add_up_and_the_largest_init_container_counts() -> None:
    spec = {
        "containers": [container("1"), container("500m")],
        "initContainers": [
            container("200m", restartPolicy="Always"),
            container("3"),
            container("100m"),
        ],
    }
    assert exact(spec, "requests") == {"cpu": Decimal("3.2")}


def test_overhead_adds_to_requests_and_to_limits_that_there_are() -> None:
    spec = {"containers": [container("1")], "overhead": {"cpu": "100m", "memory": "1Mi"}}
    assert exact(spec, "requests") == {"cpu": Decimal("1.1"), "memory": 2**20}
    assert exact(spec, "limits") == {}
