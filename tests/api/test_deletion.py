import pytest

from netemu.api import deletion
from netemu.api.deletion import Held, Removal
from netemu.clock import rfc3339
from netemu.model.client import DeleteOptions
from netemu.model.errors import BadRequest, Conflict, Forbidden, Invalid
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY

NOW = 1_000_000.0
POD, DEPLOYMENT, NAMESPACE = (BY_KEY[key] for key in ("pods", "deployments.apps", "namespaces"))


def pod(**metadata: object) -> Object:
    return {
        "metadata": {"name": "p", "uid": "u", "resourceVersion": "7", **metadata},
        "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30},
        "status": {"phase": "Running"},
    }


def held(plan: deletion.Plan) -> Object:
    assert isinstance(plan, Held)
    return plan.obj


def test_a_pod_on_a_node_gets_its_grace_period() -> None:
    found = held(deletion.plan(POD, pod(), DeleteOptions(), NOW))
    assert found["metadata"]["deletionTimestamp"] == rfc3339(NOW + 30)
    assert found["metadata"]["deletionGracePeriodSeconds"] == 30


def test_the_request_may_give_another_grace_period() -> None:
    found = held(deletion.plan(POD, pod(), DeleteOptions(grace_seconds=5), NOW))
    assert found["metadata"]["deletionTimestamp"] == rfc3339(NOW + 5)


def test_a_negative_grace_period_means_one_second() -> None:
    found = held(deletion.plan(POD, pod(), DeleteOptions(grace_seconds=-4), NOW))
    assert found["metadata"]["deletionGracePeriodSeconds"] == 1


def test_a_pod_goes_at_once_with_grace_zero() -> None:
    assert deletion.plan(POD, pod(), DeleteOptions(grace_seconds=0), NOW) == Removal()


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param({**pod(), "spec": {}}, id="unassigned"),
        pytest.param({**pod(), "status": {"phase": "Succeeded"}}, id="succeeded"),
        pytest.param({**pod(), "status": {"phase": "Failed"}}, id="failed"),
    ],
)
def test_a_pod_that_nobody_runs_goes_at_once(obj: Object) -> None:
    assert deletion.plan(POD, obj, DeleteOptions(), NOW) == Removal()


def test_a_second_delete_may_only_shorten_the_grace_period() -> None:
    first = held(deletion.plan(POD, pod(), DeleteOptions(), NOW))
    assert held(deletion.plan(POD, first, DeleteOptions(), NOW + 1)) is first
    assert held(deletion.plan(POD, first, DeleteOptions(grace_seconds=60), NOW + 1)) is first
    shorter = held(deletion.plan(POD, first, DeleteOptions(grace_seconds=10), NOW + 1))
    assert shorter["metadata"]["deletionTimestamp"] == rfc3339(NOW + 10)


def test_the_nodes_own_delete_ends_a_terminating_pod() -> None:
    first = held(deletion.plan(POD, pod(), DeleteOptions(), NOW))
    assert deletion.plan(POD, first, DeleteOptions(grace_seconds=0), NOW + 2) == Removal()


def test_finalizers_hold_a_pod_after_its_end() -> None:
    obj = pod(finalizers=["a/b"])
    found = held(deletion.plan(POD, obj, DeleteOptions(grace_seconds=0), NOW))
    assert found["metadata"]["deletionGracePeriodSeconds"] == 0
    assert not deletion.finished(POD, found)
    del found["metadata"]["finalizers"]
    assert deletion.finished(POD, found)


def test_a_terminating_pod_is_not_finished_before_its_node_says_so() -> None:
    assert not deletion.finished(POD, held(deletion.plan(POD, pod(), DeleteOptions(), NOW)))


def deployment(**metadata: object) -> Object:
    return {"metadata": {"name": "d", "generation": 1, **metadata}, "spec": {}}


def test_what_nothing_holds_goes_at_once() -> None:
    assert deletion.plan(DEPLOYMENT, deployment(), DeleteOptions(), NOW) == Removal()


@pytest.mark.parametrize(
    ("propagation", "finalizer"), [("Orphan", "orphan"), ("Foreground", "foregroundDeletion")]
)
def test_propagation_leaves_a_finalizer_for_the_garbage_collector(
    propagation: str, finalizer: str
) -> None:
    options = DeleteOptions(propagation=propagation)
    found = held(deletion.plan(DEPLOYMENT, deployment(), options, NOW))
    assert found["metadata"]["finalizers"] == [finalizer]
    assert found["metadata"]["deletionTimestamp"] == rfc3339(NOW)
    assert found["metadata"]["generation"] == 2


def test_a_later_wish_replaces_an_earlier_one() -> None:
    obj = deployment(finalizers=["orphan", "a/b"], deletionTimestamp=rfc3339(NOW))
    found = held(deletion.plan(DEPLOYMENT, obj, DeleteOptions(propagation="Background"), NOW + 9))
    assert found["metadata"]["finalizers"] == ["a/b"]
    assert found["metadata"]["deletionTimestamp"] == rfc3339(NOW)


def namespace(**metadata: object) -> Object:
    return {
        "metadata": {"name": "n", **metadata},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def test_a_namespace_terminates_until_its_contents_are_gone() -> None:
    found = held(deletion.plan(NAMESPACE, namespace(), DeleteOptions(), NOW))
    assert found["status"]["phase"] == "Terminating"
    assert found["metadata"]["deletionTimestamp"] == rfc3339(NOW)
    assert not deletion.finished(NAMESPACE, found)
    with pytest.raises(Conflict, match="ensuring all content is removed"):
        deletion.plan(NAMESPACE, found, DeleteOptions(), NOW)
    assert deletion.finished(NAMESPACE, {**found, "spec": {}})


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_some_namespaces_cannot_be_deleted(name: str) -> None:
    with pytest.raises(Forbidden, match="this namespace may not be deleted"):
        deletion.plan(NAMESPACE, namespace(name=name), DeleteOptions(), NOW)


def test_preconditions_must_hold() -> None:
    with pytest.raises(Conflict, match=r"the UID in the precondition \(x\) does not match"):
        deletion.plan(POD, pod(), DeleteOptions(uid="x"), NOW)
    with pytest.raises(Conflict, match="the ResourceVersion in the precondition"):
        deletion.plan(POD, pod(), DeleteOptions(resource_version="1"), NOW)


def test_options_come_from_the_body_and_then_the_query() -> None:
    query = {"gracePeriodSeconds": "9", "propagationPolicy": "Orphan"}
    body = {"gracePeriodSeconds": 1, "preconditions": {"uid": "u", "resourceVersion": "3"}}
    found = deletion.read_request(query, body).options
    assert found == DeleteOptions(
        grace_seconds=1, propagation="Orphan", uid="u", resource_version="3"
    )


@pytest.mark.parametrize("query", [{"dryRun": "All"}, {}])
def test_dry_run_is_understood_in_the_query_and_in_the_body(query: dict[str, str]) -> None:
    body: Object = {} if query else {"dryRun": ["All"]}
    assert deletion.read_request(query, body).options.dry_run


@pytest.mark.parametrize(("said", "propagation"), [(True, "Orphan"), (False, "Background")])
def test_the_old_word_for_orphans_is_understood(said: bool, propagation: str) -> None:
    found = deletion.read_request({}, {"orphanDependents": said})
    assert found.options.propagation == propagation
    assert found.explicit_background is not said


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"propagationPolicy": "Sideways"}, id="unknown policy"),
        pytest.param({"propagationPolicy": "Orphan", "orphanDependents": True}, id="both words"),
        pytest.param({"dryRun": ["Some"]}, id="unknown dry run"),
    ],
)
def test_bad_options_are_invalid(body: Object) -> None:
    with pytest.raises(Invalid):
        deletion.read_request({}, body)


def test_a_grace_period_that_is_no_number_is_refused_in_gos_words() -> None:
    with pytest.raises(BadRequest, match='^strconv.ParseInt: parsing "abc": invalid syntax$'):
        deletion.read_request({"gracePeriodSeconds": "abc"}, {})
