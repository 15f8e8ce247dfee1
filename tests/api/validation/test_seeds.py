"""The mistakes people make in their first manifests, and all that a cluster says of them."""

from netemu.model.meta import Object
from netemu.model.names import dns_label, dns_subdomain
from tests.support.objects import created, refusals

HOON: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "hoonDeployment", "namespace": "default"},
    "spec": {
        "replicas": 3,
        "template": {
            "metadata": {"name": "hoonPod", "labels": {"app": "hoonApp"}},
            "spec": {"containers": [{"image": "github/hoonImage:v1", "name": "hoonContainer"}]},
        },
    },
}


def test_every_mistake_of_a_manifest_is_told_at_once() -> None:
    (subdomain,), (label,) = dns_subdomain("hoonDeployment"), dns_label("hoonContainer")
    assert refusals("deployments.apps", created("deployments.apps", HOON)) == [
        f'metadata.name: Invalid value: "hoonDeployment": {subdomain}',
        "spec.selector: Required value",
        (
            'spec.template.metadata.labels: Invalid value: map[string]string{"app":"hoonApp"}: '
            "`selector` does not match template `labels`"
        ),
        f'spec.template.spec.containers[0].name: Invalid value: "hoonContainer": {label}',
    ]
