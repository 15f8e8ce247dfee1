"""What `kubectl get podmetrics` shows."""

from netemu.api.metricstable import table
from netemu.api.negotiation import Form, Include, Shape
from netemu.model.meta import Object

POD: Object = {
    "metadata": {"name": "web", "namespace": "default"},
    "window": "15.200s",
    "containers": [
        {"name": "a", "usage": {"cpu": "1500000n", "memory": "208Ki"}},
        {"name": "b", "usage": {"cpu": "500000n", "memory": "212Ki"}},
    ],
}
NODE: Object = {
    "metadata": {"name": "node-1"},
    "window": "1s",
    "usage": {"cpu": "0", "memory": "0Ki"},
}


def test_a_pod_is_the_sum_of_its_containers() -> None:
    made = table([POD, NODE], Shape(Form.TABLE))
    assert [column["name"] for column in made["columnDefinitions"]] == [
        *("Name", "cpu", "memory", "Window")
    ]
    assert [row["cells"] for row in made["rows"]] == [
        ["web", "2000000n", "420Ki", "15.200s"],
        ["node-1", "0", "0Ki", "1s"],
    ]
    assert made["rows"][0]["object"]["metadata"] == POD["metadata"]


def test_rows_carry_what_is_asked_for() -> None:
    whole = table([POD], Shape(Form.TABLE, include=Include.OBJECT))
    assert whole["rows"][0]["object"] == POD
    bare = table([POD], Shape(Form.TABLE, include=Include.NONE))
    assert "object" not in bare["rows"][0]
