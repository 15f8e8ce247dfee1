"""The Python client: its own tests of its dynamic client, out of its wheel, and our cases."""

from pathlib import Path

import pytest

from netemu.testing import Instance
from tests.contract.suites import CASES, judge, outcomes

pytestmark = [pytest.mark.contract, pytest.mark.slow, pytest.mark.suite]

OLD_API = "asks for apiextensions.k8s.io/v1beta1, which no server has had since 1.22"
EXCUSED = {
    "test_async_namespaced_custom_resources": OLD_API,
    "test_cluster_custom_resources": OLD_API,
    "test_namespaced_custom_resources": OLD_API,
    "test_cache_decoder_resource_and_subresource": (
        "compares two objects of a class without __eq__, whatever the server says"
    ),
}


@pytest.mark.timeout(180)
def test_the_dynamic_clients_tests(cluster: Instance, tmp_path: Path) -> None:
    arguments = (
        *("--import-mode=importlib", "-p", "tests.contract.dynamic_plugin", "--timeout=40"),
        *("--pyargs", "kubernetes.dynamic.test_client", "kubernetes.dynamic.test_discovery"),
    )
    found = outcomes(cluster, tmp_path, tmp_path / "report.xml", *arguments, seconds=150)
    judge(found, EXCUSED, least=10)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("cases", "count"), [("python_cases.py", 13), ("lightkube_cases.py", 10)])
def test_what_its_users_do(cluster: Instance, tmp_path: Path, cases: str, count: int) -> None:
    arguments = (str(CASES / cases), "--import-mode=importlib", "--timeout=60", "-p", "no:looptime")
    found = outcomes(cluster, tmp_path, tmp_path / "report.xml", *arguments, seconds=150)
    judge(found, {}, least=count)
