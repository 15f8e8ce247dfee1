"""``netemu down``."""

import os
import shutil
import signal
import time
from pathlib import Path

import click

from netemu.cli.instance import Failure, home_of, name_option, say
from netemu.daemon.home import Home

POLL_SECONDS = 0.01


@click.command()
@name_option
@click.option(
    "--purge", is_flag=True, help="Forget the objects, too: remove the instance's folder."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds to wait before the daemon is killed.",
)
def command(name: str, state_dir: Path | None, purge: bool, timeout: float) -> None:
    """Stop an instance. Its pods get SIGTERM; its objects stay for the next up."""
    home = home_of(name, state_dir)
    stopped = stop(home, timeout)
    if purge and home.folder.exists():
        shutil.rmtree(home.folder, ignore_errors=True)
        say(f'instance "{name}" is purged')
    elif stopped:
        say(f'instance "{name}" is down')
    else:
        say(f'instance "{name}" is not running')


def stop(home: Home, timeout: float) -> bool:
    """End the daemon and wait until it has; False when none runs."""
    pid = home.pid()
    if pid is None:
        return False
    if pid == 0:
        raise Failure(f'instance "{home.name}" is just starting; try again')
    for number, seconds in ((signal.SIGTERM, timeout), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        except PermissionError:
            raise Failure(f'instance "{home.name}" belongs to another user (pid {pid})') from None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if home.pid() is None:
                return True
            time.sleep(POLL_SECONDS)
    raise Failure(f'instance "{home.name}" (pid {pid}) does not end')
