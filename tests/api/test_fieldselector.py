import pytest

from netemu.api import fieldselector
from netemu.model.catalog import BUILT_IN
from netemu.model.errors import BadRequest
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY

POD: Object = {
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"nodeName": "n1", "restartPolicy": "Always"},
    "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]},
}
EVENT: Object = {
    "metadata": {"name": "e", "namespace": "default"},
    "involvedObject": {"kind": "Pod", "name": "web", "uid": "u"},
    "reason": "Pulled",
    "source": {"component": "kubelet"},
}

CASES = [
    ("pods", POD, "", True),
    ("pods", POD, "metadata.name=web", True),
    ("pods", POD, "metadata.name==web,status.phase!=Failed,status.phase!=Succeeded", True),
    ("pods", POD, "spec.nodeName!=n1", False),
    ("pods", POD, "spec.hostNetwork=false", True),
    ("pods", POD, "status.podIP=10.0.0.1", True),
    ("pods", POD, "spec.schedulerName=", True),
    ("pods", POD, r"metadata.name=a\,b", False),
    ("events", EVENT, "involvedObject.kind=Pod,involvedObject.name=web,source=kubelet", True),
    ("events", EVENT, "involvedObject.namespace=default", False),
    ("nodes", {"metadata": {"name": "n"}, "spec": {}}, "spec.unschedulable=false", True),
    ("nodes", {"metadata": {"name": "n"}, "spec": {"unschedulable": True}},
     "spec.unschedulable=true", True),
    ("services", {"metadata": {"name": "s"}, "spec": {"type": "NodePort"}}, "spec.type=NodePort",
     True),
    ("replicasets.apps", {"metadata": {"name": "r"}}, "status.replicas=0", True),
    ("jobs.batch", {"metadata": {"name": "j"}}, "status.successful=0", True),
    ("jobs.batch", {"metadata": {"name": "j"}, "status": {"succeeded": 2}},
     "status.successful=2", True),
    ("certificatesigningrequests.certificates.k8s.io",
     {"metadata": {"name": "c"}, "spec": {"signerName": "example.com/a"}},
     "spec.signerName=example.com/a", True),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "obj", "text", "taken"), CASES)
def test_a_selector_takes_what_it_says(resource: str, obj: Object, text: str, taken: bool) -> None:
    selector = fieldselector.parse(BY_KEY[resource], text)
    assert fieldselector.matches(selector, obj) is taken


def test_events_of_their_own_group_are_selected_by_the_names_they_have_there() -> None:
    events = BUILT_IN.by_path["events.k8s.io", "v1", "events"]
    selector = fieldselector.parse(events, "regarding.kind=Pod,regarding.name=web,reason=Pulled")
    assert fieldselector.matches(selector, EVENT)
    with pytest.raises(BadRequest, match="^field label not supported: involvedObject.name$"):
        fieldselector.parse(events, "involvedObject.name=web")


def test_unknown_fields_are_refused_as_upstream_words_it() -> None:
    with pytest.raises(BadRequest, match="^field label not supported: foo$"):
        fieldselector.parse(BY_KEY["pods"], "foo=bar")
    with pytest.raises(BadRequest, match='^"foo" is not a known field selector: only "metadata'):
        fieldselector.parse(BY_KEY["configmaps"], "foo=bar")
    with pytest.raises(BadRequest, match='^field label "foo" not supported for batchv1.Job$'):
        fieldselector.parse(BY_KEY["jobs.batch"], "foo=bar")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", ""),
        ("metadata.name=web", "web"),
        ("status.phase=Running,metadata.name==web", "web"),
        ("metadata.name!=web", ""),
        ("metadata.namespace=web", ""),
        ("nonsense", ""),
    ],
)
def test_a_selector_may_demand_a_name(text: str, name: str) -> None:
    assert fieldselector.exact_name(text) == name


def test_text_that_compares_nothing_is_refused() -> None:
    with pytest.raises(BadRequest, match="invalid selector: 'web'; can't understand 'web'"):
        fieldselector.parse(BY_KEY["pods"], "web")
