"""Defaulting twice is defaulting once, whatever a client sends."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from netemu.api.defaults import with_defaults
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY
from tests.support.objects import a_deployment, a_service


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A map with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


TEXT = st.sampled_from(["", "a", "web", "None"])
COUNT = st.integers(0, 3)
QUANTITIES = st.dictionaries(
    st.sampled_from(["cpu", "memory"]), st.sampled_from(["0", "0.0001", "1", "1Gi", "x"])
)
PROBE = some(httpGet=some(port=COUNT, path=TEXT), grpc=some(port=COUNT), periodSeconds=COUNT)
CONTAINER = some(
    name=TEXT,
    image=st.sampled_from(["", "nginx", "nginx:1", "Bad/Image", "r.io/x@sha256:0"]),
    command=st.lists(TEXT, max_size=1),
    ports=st.lists(some(containerPort=COUNT, hostPort=COUNT, protocol=TEXT), max_size=2),
    env=st.lists(some(name=TEXT, value=TEXT), max_size=2),
    resources=some(limits=QUANTITIES, requests=QUANTITIES),
    readinessProbe=PROBE,
)
POD_SPEC = some(
    containers=st.lists(CONTAINER, max_size=2),
    initContainers=st.lists(CONTAINER, max_size=1),
    volumes=st.lists(
        some(name=TEXT, emptyDir=some(), secret=some(secretName=TEXT), hostPath=some(path=TEXT)),
        max_size=2,
    ),
    hostNetwork=st.booleans(),
    restartPolicy=TEXT,
    terminationGracePeriodSeconds=COUNT,
    serviceAccountName=TEXT,
    serviceAccount=TEXT,
    tolerations=st.lists(some(key=TEXT, operator=TEXT), max_size=2),
)
SERVICE_SPEC = some(
    type=st.sampled_from(["", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]),
    clusterIP=TEXT,
    externalIPs=st.lists(TEXT, max_size=1),
    sessionAffinity=st.sampled_from(["", "None", "ClientIP"]),
    sessionAffinityConfig=some(clientIP=some(timeoutSeconds=COUNT)),
    ports=st.lists(some(port=COUNT, targetPort=COUNT | TEXT, nodePort=COUNT), max_size=2),
)


def is_idempotent(resource: str, obj: Object) -> bool:
    before = copied(obj)
    once = with_defaults(BY_KEY[resource], obj)
    return obj == before and with_defaults(BY_KEY[resource], once) == once


@given(POD_SPEC)
def test_pods(spec: Object) -> None:
    assert is_idempotent("pods", {"metadata": {}, "spec": spec})


@given(POD_SPEC, some(replicas=COUNT, strategy=some(type=st.sampled_from(["", "Recreate"]))))
def test_workloads(pod_spec: Object, spec: Object) -> None:
    obj = a_deployment(template={"spec": pod_spec}, **spec)
    assert is_idempotent("deployments.apps", obj)
    assert is_idempotent("replicasets.apps", obj)
    assert is_idempotent("statefulsets.apps", obj)


@given(SERVICE_SPEC)
def test_services(spec: Object) -> None:
    assert is_idempotent("services", a_service(**spec))
