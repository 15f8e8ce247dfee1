from typing import Any

from netemu.api.defaults import with_defaults
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY
from tests.support.objects import a_container, a_deployment, a_pod


def defaulted(obj: Object) -> Any:
    return with_defaults(BY_KEY["pods"], obj)


def test_a_pod_gets_what_every_cluster_writes() -> None:
    assert defaulted(a_pod())["spec"] == {
        "containers": [
            {
                "name": "web",
                "image": "nginx",
                "imagePullPolicy": "Always",
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "resources": {},
            }
        ],
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
        "enableServiceLinks": True,
    }


def test_the_argument_is_left_as_it_is() -> None:
    pod = a_pod()
    before = copied(pod)
    defaulted(pod)
    assert pod == before


def test_what_is_said_stays() -> None:
    said = {
        "dnsPolicy": "None",
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "enableServiceLinks": False,
        "schedulerName": "mine",
    }
    spec = defaulted(a_pod(**said))["spec"]
    assert {key: spec[key] for key in said} == said


def test_a_pod_on_the_hosts_network_has_its_ports_there() -> None:
    pod = a_container(ports=[{"containerPort": 80}])
    pod["spec"]["hostNetwork"] = True
    assert defaulted(pod)["spec"]["containers"][0]["ports"][0]["hostPort"] == 80


def test_requests_follow_limits_in_a_pod_but_not_in_a_template() -> None:
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "0.0005"}}
    pod = defaulted(a_container(resources=resources))
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1m", "memory": "1Gi"}
    template = {"spec": {"containers": [{"name": "a", "image": "b", "resources": resources}]}}
    made = with_defaults(BY_KEY["deployments.apps"], a_deployment(template=template))
    inner = made["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert inner["requests"] == {"cpu": "1m"}


def test_both_names_of_the_service_account_are_shown() -> None:
    for key in ("serviceAccount", "serviceAccountName"):
        spec = defaulted(a_pod(**{key: "robot"}))["spec"]
        assert spec["serviceAccount"] == spec["serviceAccountName"] == "robot"


def test_what_go_would_not_write_is_dropped() -> None:
    pod = a_container(env=[], command=[], tty=False, resources={"limits": {}})
    pod["spec"].update(hostNetwork=False, nodeName="", tolerations=[], nodeSelector={})
    assert defaulted(pod) == defaulted(a_pod())
