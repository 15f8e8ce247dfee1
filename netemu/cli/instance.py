"""What commands share: the options that name an instance, its facts, and how a command fails."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

import click

from netemu.config.loading import BadSettings, check_name
from netemu.daemon.asking import Refused, ask
from netemu.daemon.home import Home

F = TypeVar("F", bound=Callable[..., Any])

FAILED = 1
NOT_RUNNING = 3


class Failure(click.ClickException):
    """Ends the command with one line on stderr."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # click's is a class variable
        """What the command ends with."""
        return self.code

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it."""
        click.echo(f"netemu: {self.message}", err=True)


def say(message: str) -> None:
    """A message for whoever watches; not data."""
    click.echo(message, err=True)


def default_state_dir() -> Path:
    """Where instances live when nobody says: XDG_STATE_HOME/netemu, else ~/.local/state/netemu."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return Path(base if base.startswith("/") else Path.home() / ".local" / "state") / "netemu"


def _checked_name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        return check_name(value)
    except BadSettings as error:
        raise click.BadParameter(str(error)) from None


def name_option(command: F) -> F:
    """--name and --state-dir."""
    command = click.option(
        "--state-dir",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="NETEMU_STATE_DIR",
        help="Folder of all instances.  [default: ~/.local/state/netemu]",
    )(command)
    return click.option(
        "--name",
        default="default",
        show_default=True,
        envvar="NETEMU_NAME",
        callback=_checked_name,
        help="Which instance.",
    )(command)


def output_option(command: F) -> F:
    """-o json."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        help="How to print the facts.",
    )(command)


def home_of(name: str, state_dir: Path | None) -> Home:
    """The instance's folder; absolute, because the daemon doesn't keep our working directory."""
    return Home((state_dir or default_state_dir()).absolute() / name)


def running(home: Home) -> dict[str, Any]:
    """The facts of an instance that runs and is ready; otherwise the command ends here."""
    facts = home.facts()
    if facts is not None:
        return facts
    if home.pid() is not None:
        raise Failure(f'instance "{home.name}" is not ready yet')
    raise Failure(
        f'instance "{home.name}" is not running; start it with: netemu up{_flag(home)}', NOT_RUNNING
    )


def _flag(home: Home) -> str:
    return "" if home.name == "default" else f" --name {home.name}"


def asked(home: Home, question: str, **arguments: Any) -> Any:
    """The running daemon's answer; otherwise the command ends here."""
    running(home)
    try:
        return ask(home.socket, question, **arguments)
    except Refused as refused:
        raise Failure(str(refused)) from None
    except OSError as error:
        raise Failure(f'instance "{home.name}" does not answer: {error}') from None


def print_json(value: Any) -> None:
    """Facts for programs."""
    import json

    json.dump(value, sys.stdout, indent=2)
    sys.stdout.write("\n")
