import signal
import subprocess

import pytest

from tests.support.programs import SECONDS, command


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 2), (signal.SIGINT, 1)])
def test_pause_says_so_and_ends_with_the_images_codes(number: signal.Signals, code: int) -> None:
    with subprocess.Popen(command("agnhost"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "Paused\n"
        process.send_signal(number)
        assert process.wait(SECONDS) == code


def test_an_unknown_subcommand_is_refused() -> None:
    done = subprocess.run(command("agnhost", "nope"), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'unknown command "nope"' in done.stderr
