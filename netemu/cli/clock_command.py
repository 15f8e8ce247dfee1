"""``netemu clock``."""

from pathlib import Path
from typing import Any

import click

from netemu.cli.instance import asked, home_of, name_option, output_option, print_json
from netemu.model import schedule

STEP_SECONDS = 600.0
"""What one question advances; longer spans are asked for in pieces."""


class Duration(click.ParamType[float]):
    """Go's durations: 90s, 1h30m."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds."""
        try:
            return schedule.duration(str(value))
        except ValueError:
            self.fail(f"{value!r} is no duration: use 90s, 5m or 1h30m", param, ctx)


@click.group()
def command() -> None:
    """Pause or advance the cluster's time; sockets and processes stay in real time."""


@command.command()
@name_option
@output_option
def status(name: str, state_dir: Path | None, output: str) -> None:
    """Say what time it is in the cluster."""
    _show(asked(home_of(name, state_dir), "clock"), output)


@command.command()
@name_option
def pause(name: str, state_dir: Path | None) -> None:
    """Let time stand still."""
    _show(asked(home_of(name, state_dir), "clock", do="pause"))


@command.command()
@name_option
def resume(name: str, state_dir: Path | None) -> None:
    """Let time go on."""
    _show(asked(home_of(name, state_dir), "clock", do="resume"))


@command.command()
@name_option
@click.argument("duration", type=Duration())
def advance(name: str, state_dir: Path | None, duration: float) -> None:
    """Let DURATION pass at once: everything that is due in it happens, in order."""
    home = home_of(name, state_dir)
    told: dict[str, Any] = {}
    while duration > 0 or not told:
        step = min(duration, STEP_SECONDS)
        told = asked(home, "clock", do="advance", seconds=step)
        duration -= step
    _show(told)


def _show(told: dict[str, Any], output: str = "text") -> None:
    if output == "json":
        print_json(told)
        return
    ahead = told["aheadSeconds"]
    click.echo(f"{told['now']}{' paused' if told['paused'] else ''}{_shifted(ahead)}")


def _shifted(ahead: float) -> str:
    if abs(ahead) < 1:
        return ""
    return f" ({abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine)"
