"""kr8s' own suite, out of its wheel."""

from pathlib import Path

import pytest

from netemu.testing import Instance
from tests.contract.suites import judge, outcomes, output_of, without

pytestmark = [pytest.mark.contract, pytest.mark.slow, pytest.mark.suite]

LEFT_OUT = ("test_api_timeout",)
"""It wants every answer to take longer than a millisecond (epoll's grain); ours often don't."""
EXCUSED = {
    "test_api_resources": "wants one resource called pods; metrics.k8s.io has another",
    "test_cast_to_from_kubernetes": "needs an older kubernetes package than the newest",
}
TAKEN = "address already in use"
"""The suite draws the ports that it forwards to blindly; one that is taken is drawn again."""


@pytest.mark.timeout(400)
def test_kr8s_suite(cluster: Instance, tmp_path: Path) -> None:
    package = Path(output_of("import kr8s; print(kr8s.__file__)")).parent
    arguments = (
        *(str(package / "tests"), "--import-mode=importlib"),
        *("-p", "tests.contract.kr8s_plugin", "--timeout=40"),
        *("-k", without(LEFT_OUT), "--reruns=2", f"--only-rerun={TAKEN}|ConnectError"),
        *("-p", "no:looptime"),  # another suite's plugin, which would slow down this one's clock
    )
    found = outcomes(cluster, tmp_path, tmp_path / "report.xml", *arguments, seconds=380)
    judge(found, EXCUSED, least=225)
