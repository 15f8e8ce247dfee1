from typing import Any, NamedTuple

import pytest

from netemu.model.names import dns_label, dns_subdomain, qualified_name
from tests.support.objects import a_container, a_deployment, a_pod, created, refusals


def of(**spec: Any) -> list[str]:
    return refusals("pods", created("pods", a_pod(**spec)))


class Case(NamedTuple):
    name: str
    spec: dict[str, Any]
    refusals: list[str]


POLICIES = '"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'
CASES = [
    Case("a plain pod", {}, []),
    Case("no containers", {"containers": []}, ["spec.containers: Required value"]),
    Case(
        "unknown policies",
        {"restartPolicy": "Sometimes", "dnsPolicy": "Mine"},
        [
            (
                'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", '
                '"OnFailure", "Never"'
            ),
            f'spec.dnsPolicy: Unsupported value: "Mine": supported values: {POLICIES}',
        ],
    ),
    Case(
        "no cluster DNS and no other",
        {"dnsPolicy": "None"},
        ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
    ),
    Case(
        "no cluster DNS and no other server",
        {"dnsPolicy": "None", "dnsConfig": {"searches": ["a"]}},
        [
            (
                "spec.dnsConfig.nameservers: Required value: must provide at least one DNS "
                "nameserver "
                "when `dnsPolicy` is None"
            )
        ],
    ),
    Case(
        "a strange resolver",
        {"dnsConfig": {"nameservers": ["x"], "searches": ["A."], "options": [{"value": "1"}]}},
        [
            (
                'spec.dnsConfig.nameservers[0]: Invalid value: "x": must be a valid IP '
                "address, (e.g. "
                "10.9.8.7 or 2001:db8::ffff)"
            ),
            f'spec.dnsConfig.searches[0]: Invalid value: "A": {dns_subdomain("A")[0]}',
            "spec.dnsConfig.options[0]: Required value: must not be empty",
        ],
    ),
    Case(
        "too many resolvers",
        {"dnsConfig": {"nameservers": ["1.1.1.1"] * 4}},
        [
            (
                'spec.dnsConfig.nameservers: Invalid value: []string{"1.1.1.1", "1.1.1.1", '
                '"1.1.1.1", '
                '"1.1.1.1"}: must not have more than 3 nameservers'
            )
        ],
    ),
    Case("a search in the root", {"dnsConfig": {"searches": ["svc.cluster.local."]}}, []),
    Case(
        "names of host and domain",
        {"hostname": "a.b", "subdomain": "A"},
        [
            'spec.hostname: Invalid value: "a.b": must not contain dots',
            f'spec.subdomain: Invalid value: "A": {dns_label("A")[0]}',
        ],
    ),
    Case(
        "names of others",
        {"serviceAccountName": "A", "nodeName": "B"},
        [
            f'spec.serviceAccountName: Invalid value: "A": {dns_subdomain("A")[0]}',
            f'spec.nodeName: Invalid value: "B": {dns_subdomain("B")[0]}',
        ],
    ),
    Case(
        "no time to live",
        {"activeDeadlineSeconds": 0},
        [
            (
                "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, "
                "inclusive"
            )
        ],
    ),
    Case(
        "a selector for nodes is made of labels",
        {"nodeSelector": {"a b": "c"}},
        [f'spec.nodeSelector: Invalid value: "a b": {qualified_name("a b")[0]}'],
    ),
    Case(
        "hosts by address and name",
        {"hostAliases": [{"ip": "x", "hostnames": ["a.b", "A"]}]},
        [
            (
                'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. '
                "10.9.8.7 or 2001:db8::ffff)"
            ),
            f'spec.hostAliases[0].hostnames[1]: Invalid value: "A": {dns_subdomain("A")[0]}',
        ],
    ),
    Case(
        "gates",
        {"readinessGates": [{"conditionType": ""}], "schedulingGates": [{"name": "a"}] * 2},
        [
            f'spec.readinessGates[0].conditionType: Invalid value: "": {qualified_name("")[0]}',
            f'spec.readinessGates[0].conditionType: Invalid value: "": {qualified_name("")[1]}',
            'spec.schedulingGates[1]: Duplicate value: "a"',
        ],
    ),
    Case(
        "a gated pod has no node",
        {"schedulingGates": [{"name": "a"}], "nodeName": "n"},
        ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
    ),
    Case(
        "identities",
        {"securityContext": {"runAsUser": -1, "supplementalGroups": [4294967296]}},
        [
            (
                "spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and "
                "4294967295, inclusive"
            ),
            (
                "spec.securityContext.supplementalGroups[0]: Invalid value: 4294967296: must be "
                "between 0 and 4294967295, inclusive"
            ),
        ],
    ),
    Case(
        "ephemeral containers come later",
        {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]},
        ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pod_specs(case: Case) -> None:
    assert of(**case.spec) == case.refusals


def test_without_defaults_much_is_missing() -> None:
    assert refusals("pods", a_pod()) == [
        "spec.terminationGracePeriodSeconds: Required value",
        "spec.containers[0].terminationMessagePolicy: Required value",
        "spec.containers[0].imagePullPolicy: Required value",
        "spec.restartPolicy: Required value",
        "spec.dnsPolicy: Required value",
    ]


def test_on_the_hosts_network_ports_are_the_hosts() -> None:
    pod = a_container(ports=[{"containerPort": 80, "hostPort": 81}])
    pod["spec"]["hostNetwork"] = True
    assert refusals("pods", created("pods", pod)) == [
        (
            "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match "
            "`containerPort` when "
            "`hostNetwork` is true"
        )
    ]


@pytest.mark.parametrize("cost", ["0", "10", "-5", "2147483647", "-2147483648"])
def test_a_deletion_cost_is_a_number(cost: str) -> None:
    pod = a_pod()
    pod["metadata"]["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": cost}
    assert refusals("pods", created("pods", pod)) == []


@pytest.mark.parametrize("cost", ["", "x", "+1", "01", "1.5", "2147483648"])
def test_other_text_is_no_deletion_cost(cost: str) -> None:
    key = "controller.kubernetes.io/pod-deletion-cost"
    pod = a_pod()
    pod["metadata"]["annotations"] = {key: cost}
    assert refusals("pods", created("pods", pod)) == [
        f'metadata.annotations[{key}]: Invalid value: "{cost}": must be a 32bit integer'
    ]


def test_a_templates_paths_lead_into_the_template() -> None:
    template = {
        "metadata": {"labels": {"app": "web", "a b": "c"}, "annotations": {"d e": ""}},
        "spec": {
            "containers": [{"name": "A", "image": " nginx "}],
            "ephemeralContainers": [{"name": "b", "image": "c"}],
        },
    }
    deployment = created("deployments.apps", a_deployment(template=template))
    at = "spec.template"
    assert refusals("deployments.apps", deployment) == [
        f'{at}.labels: Invalid value: "a b": {qualified_name("a b")[0]}',
        f'{at}.annotations: Invalid value: "d e": {qualified_name("d e")[0]}',
        f'{at}.spec.containers[0].name: Invalid value: "A": {dns_label("A")[0]}',
        (
            f"{at}.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod "
            "template"
        ),
    ]
