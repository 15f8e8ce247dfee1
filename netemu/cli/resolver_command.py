"""``netemu resolver``: let the machine's own resolver ask an instance for the cluster's names.

The one thing netemu changes on the machine, and only when told to: it shows each change first, and
takes back all of it.
"""

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, assert_never

import click

from netemu.cli.instance import (
    Failure,
    home_of,
    name_option,
    output_option,
    print_json,
    running,
    say,
)
from netemu.cli.resolver_apply import ReloadFailed, apply, observe, systemctl_of
from netemu.cli.resolver_machine import DNS_PORT, Machine, Way, detect, file_of
from netemu.cli.resolver_marks import Installed, installed
from netemu.cli.resolver_plan import (
    Action,
    Impossible,
    MakeFolder,
    Reload,
    RemoveFile,
    RemoveFolder,
    Server,
    WriteFile,
    install,
    place,
    remarks,
    remove,
    settings,
)
from netemu.daemon.home import Home

F = TypeVar("F", bound=Callable[..., Any])

ROOT = Path("/")
DEFAULT_ZONE = "cluster.local"


@click.group()
def command() -> None:
    """Make this machine's resolver ask the instance for names of the cluster."""


def _root_option(command: F) -> F:
    return click.option(
        "--root",
        type=click.Path(path_type=Path, file_okay=False, exists=True, resolve_path=True),
        default=ROOT,
        hidden=True,
        help="Act below this folder instead of the machine's own.",
    )(command)


def _using_option(command: F) -> F:
    return click.option(
        "--using",
        type=click.Choice([way.value for way in Way]),
        help="What resolves names on this machine.  [default: what seems to]",
    )(command)


def _change_options(command: F) -> F:
    command = click.option("--yes", is_flag=True, help="Don't ask before changing something.")(
        command
    )
    return click.option(
        "--dry-run", is_flag=True, help="Only say what would be changed; takes no root."
    )(command)


@command.command("print")
@name_option
@_using_option
@_root_option
def print_command(name: str, state_dir: Path | None, using: str | None, root: Path) -> None:
    """Print the lines to put in by hand, and where."""
    server = _server(home_of(name, state_dir))
    way = _way(_observed(root), using)
    try:
        lines = settings(way, server)
    except Impossible as error:
        raise Failure(str(error)) from None
    say(f"for {way}, in {file_of(way, name)}:")
    click.echo(lines, nl=False)


@command.command("install")
@name_option
@_using_option
@_change_options
@_root_option
def install_command(
    name: str, state_dir: Path | None, using: str | None, dry_run: bool, yes: bool, root: Path
) -> None:
    """Make the resolver ask the instance; says what it changes first."""
    home = home_of(name, state_dir)
    server, machine = _server(home), _observed(root)
    way = _way(machine, using)
    try:
        actions = install(machine, way, server)
    except Impossible as error:
        raise Failure(str(error)) from None
    if not actions:
        say(f"{way} asks {place(way, server)} already; nothing to change")
        return
    if _change(machine, actions, root, dry_run=dry_run, yes=yes, home=home):
        say(f"{way} asks {place(way, server)} for {server.zone} now")


@command.command("remove")
@name_option
@_change_options
@_root_option
def remove_command(name: str, state_dir: Path | None, dry_run: bool, yes: bool, root: Path) -> None:
    """Take back what install changed; the instance need not run."""
    machine = _observed(root)
    actions = remove(machine, name)
    if not actions:
        say(f'nothing on this machine asks instance "{name}"')
        return
    if _change(machine, actions, root, dry_run=dry_run, yes=yes, home=home_of(name, state_dir)):
        say(f'nothing on this machine asks instance "{name}" any more')


@command.command("status")
@name_option
@output_option
@_root_option
def status_command(name: str, state_dir: Path | None, output: str, root: Path) -> None:
    """Say what resolves names here, and whether it asks an instance."""
    machine = _observed(root)
    way = detect(machine)
    rows = [_row(each, home_of(name, state_dir).folder.parent) for each in installed(machine)]
    if output == "json":
        print_json({"resolver": str(way), "installed": rows})
        return
    click.echo(f"names on this machine are resolved by {way}")
    for row in rows:
        click.echo(
            f'{row["path"]} leads {row["zone"] or "all names"} to instance "{row["instance"]}" '
            f"at {row['server']}: {row['state']}"
        )
    if not rows:
        click.echo("nothing on this machine asks an instance")


def _row(found: Installed, state_dir: Path) -> dict[str, str]:
    facts = Home(state_dir / found.instance).facts()
    if facts is None:
        state = "it doesn't run"
    elif found.server in (facts["dns"], f"{facts.get('resolver', '')}:{DNS_PORT}"):
        state = "it runs"
    else:
        state = f"it runs, but answers at {facts['dns']}: install again"
    return {
        "instance": found.instance,
        "path": found.path,
        "resolver": str(found.way),
        "server": found.server,
        "zone": found.zone,
        "state": state,
    }


def _server(home: Home) -> Server:
    facts = running(home)
    address, _, port = facts["dns"].rpartition(":")
    zone = facts.get("zone", DEFAULT_ZONE)
    return Server(home.name, address, int(port), zone, facts.get("resolver", ""))


def _observed(root: Path) -> Machine:
    try:
        return observe(root)
    except OSError as error:
        raise Failure(f"cannot look at the resolver: {error}") from None


def _way(machine: Machine, using: str | None) -> Way:
    return detect(machine) if using is None else Way(using)


def _change(
    machine: Machine, actions: Sequence[Action], root: Path, *, dry_run: bool, yes: bool, home: Home
) -> bool:
    """Say it, ask, do it; False if it isn't to be done."""
    systemctl = systemctl_of(root)
    for action in actions:
        for line in described(action, reloads=systemctl is not None):
            click.echo(line)
    for remark in remarks(machine, actions):
        say(f"note: {remark}")
    if dry_run:
        say("nothing was changed")
        return False
    if root == ROOT and os.geteuid() != 0:
        raise Failure(f"this takes root; run: {_as_root(home)}")
    if not yes:
        click.confirm("Do this?", abort=True, err=True)
    try:
        apply(actions, root, systemctl)
    except OSError as error:
        raise Failure(f"nothing was changed: {error}") from None
    except ReloadFailed as error:
        raise Failure(f"all is written, but not yet heeded: {error}") from None
    return True


def _as_root(home: Home) -> str:
    """The same command for root, whose own instances lie elsewhere."""
    program, *rest = sys.argv
    given = [] if "--state-dir" in rest else ["--state-dir", str(home.folder.parent)]
    return shlex.join(["sudo", str(Path(program).absolute()), *rest, *given])


def described(action: Action, *, reloads: bool) -> list[str]:
    """What an action does, for a reader."""
    match action:
        case MakeFolder(path):
            return [f"make the folder {path}"]
        case WriteFile(path, content):
            lines = content.decode("utf-8", "replace").splitlines()
            return [f"write {path}:", *(f"    {line}".rstrip() for line in lines)]
        case RemoveFile(path):
            return [f"remove {path}"]
        case RemoveFolder(path):
            return [f"remove the folder {path} if it is empty"]
        case Reload(unit):
            todo = f"run systemctl reload-or-restart {unit}"
            return [todo if reloads else f"(there is no systemctl here: reload {unit} yourself)"]
    assert_never(action)
