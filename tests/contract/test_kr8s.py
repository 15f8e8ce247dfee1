"""kr8s' own suite, out of its wheel."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from netemu.testing import Instance
from tests.contract.suites import judge, outcomes, without

pytestmark = [pytest.mark.contract, pytest.mark.slow]

LEFT_OUT = ("exec", "portforward", "port_forward")
"""Not served yet; each of these tests would wait for its time to run out."""
EXCUSED = {
    "test_wait_replicas": "StatefulSets have no controller yet",
    "test_cast_to_from_kubernetes": "needs an older kubernetes package than the newest",
}


@pytest.mark.timeout(400)
def test_kr8s_suite(cluster: Instance, tmp_path: Path) -> None:
    pytest.importorskip("trio")
    found = find_spec("kr8s")
    if found is None or found.origin is None:
        pytest.skip("there is no kr8s")
    arguments = (
        *(str(Path(found.origin).parent / "tests"), "--import-mode=importlib"),
        *("-p", "tests.contract.kr8s_plugin", "--timeout=40"),
        *("-o", "asyncio_mode=auto", "-k", without(LEFT_OUT)),
        *("-p", "no:looptime"),  # another suite's plugin, which would slow down this one's clock
    )
    judge(
        outcomes(cluster, tmp_path, tmp_path / "report.xml", *arguments, seconds=380),
        EXCUSED,
        least=200,
    )
