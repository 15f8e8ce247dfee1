"""``netemu exec``."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from netemu.cli.instance import Failure, asked, home_of, name_option
from netemu.daemon.home import Home

OURS = 125
"""Exit code when netemu itself failed; the command's own start with 126: not executable."""
NOT_EXECUTABLE = 126
NOT_FOUND = 127


@click.command(context_settings={"ignore_unknown_options": True})
@name_option
@click.option(
    "--from",
    "place",
    default="",
    metavar="PLACE",
    help="Stand at pod:NAMESPACE/NAME, node:NAME, vpc or internet.",
)
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD [ARG]...")
def command(name: str, state_dir: Path | None, place: str, argv: tuple[str, ...]) -> None:
    """Run CMD inside the cluster's network; its exit code is CMD's."""
    run_inside(home_of(name, state_dir), place, argv)


def run_inside(home: Home, place: str, argv: Sequence[str]) -> None:
    """Become the command, in there. Doesn't return."""
    from netemu.fabric.enter import Entrance, enter  # late: most commands don't enter anything

    try:
        told = asked(home, "entrance", place=place)
        enter(Entrance(namespaces=told["namespaces"], env=told["env"]))
    except Failure as failure:
        raise Failure(failure.message, failure.code if failure.code == 3 else OURS) from None
    except OSError as error:
        raise Failure(f"cannot enter {place or 'the cluster'}: {error}", OURS) from None
    try:
        os.execvp(argv[0], list(argv))
    except FileNotFoundError:
        raise Failure(f"{argv[0]}: command not found", NOT_FOUND) from None
    except OSError as error:
        raise Failure(f"{argv[0]}: {error.strerror}", NOT_EXECUTABLE) from None
