"""A pod speaks to the API as its ServiceAccount, with what it finds where clients look for it."""

from collections.abc import Iterator

import pytest

from netemu.testing import Instance, instance
from tests.support.reach import NAMESPACED

pytestmark = pytest.mark.e2e

ASKER = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: asker}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: askers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: asker, namespace: default}]
---
apiVersion: v1
kind: Pod
metadata: {name: asker}
spec:
  serviceAccountName: asker
  restartPolicy: Never
  containers:
  - name: main
    image: busybox
    command: [sh, -c]
    args:
    - |
      cd /var/run/secrets/kubernetes.io/serviceaccount
      ask() {
        curl -sS -o /dev/null -w "$1 %{http_code}\\n" --cacert ca.crt \\
          -H "Authorization: Bearer $(cat token)" "https://kubernetes.default.svc$2"
      }
      ask pods "/api/v1/namespaces/$(cat namespace)/pods"
      ask secrets "/api/v1/namespaces/$(cat namespace)/secrets"
"""


@pytest.fixture(scope="module", params=NAMESPACED)
def cluster(request: pytest.FixtureRequest) -> Iterator[Instance]:
    with instance(f"accounts-{request.param}", options=["--net", request.param]) as made:
        yield made


def test_a_pod_may_do_what_its_account_may(cluster: Instance) -> None:
    cluster.apply(ASKER)

    def over() -> bool:
        return str(cluster.get("pod", "asker")["status"]["phase"]) in ("Succeeded", "Failed")

    cluster.wait_for(over, what="the pod's end")
    assert cluster.kubectl("logs", "asker") == "pods 200\nsecrets 403\n"
