"""``netemu up``."""

import os
import signal
from pathlib import Path
from typing import Any

import click

from netemu.cli.instance import Failure, asked, home_of, name_option, say
from netemu.config.loading import BadSettings, load, read_file
from netemu.config.settings import NetMode, Settings
from netemu.daemon.boot import Booted, boot
from netemu.daemon.home import AlreadyRunning, Home, HomeUnusable


@click.command()
@name_option
@click.option(
    "--net",
    type=click.Choice([mode.value for mode in NetMode]),
    envvar="NETEMU_NET",
    help="How much of the machine to use.  [default: auto, the most that works]",
)
@click.option("--nodes", type=int, help="How many nodes the cluster has.  [default: 2]")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="NETEMU_CONFIG",
    help="A file of settings.",
)
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A manifest, or a folder of them, to apply once the cluster is ready; may be repeated.",
)
@click.option("-d", "--detach", is_flag=True, help="Return when ready; the cluster goes on.")
def command(
    name: str,
    state_dir: Path | None,
    net: str | None,
    nodes: int | None,
    config: Path | None,
    files: tuple[Path, ...],
    detach: bool,
) -> None:
    """Start a cluster. Without --detach it shows what happens until Ctrl-C."""
    settings = _settings(name, state_dir, net, nodes, config)
    home = Home(settings.home)
    manifests = _read(files)
    try:
        home.prepare()
        lock = home.lock()
    except (HomeUnusable, AlreadyRunning) as error:
        raise Failure(str(error)) from None
    booted = boot(settings, home, lock, foreground=not detach)
    facts = _until_ready(booted, home)
    _summarise(facts)
    try:
        if manifests:
            for line in asked(home, "apply", manifests=manifests):
                click.echo(line)
    except Failure:
        if not detach:
            os.kill(booted.pid, signal.SIGTERM)
        raise
    if not detach:
        _watch(booted)


def _settings(
    name: str, state_dir: Path | None, net: str | None, nodes: int | None, config: Path | None
) -> Settings:
    source = click.get_current_context().get_parameter_source("name")
    named = source is None or source.name != "DEFAULT"
    try:
        return load(
            read_file(config) if config else {},
            source=str(config or ""),
            name=name if named or config is None else None,
            state_dir=home_of(name, state_dir).folder.parent,
            net=None if net is None else NetMode(net),
            node_count=nodes,
        )
    except BadSettings as error:
        raise Failure(str(error)) from None


def _read(files: tuple[Path, ...]) -> list[dict[str, str]]:
    """Manifests by file, in order; a folder's are its .yaml, .yml and .json files by name."""
    found: list[Path] = []
    for path in files:
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml", ".json"))
        else:
            found.append(path)
    try:
        return [{"source": str(path), "text": path.read_text()} for path in found]
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read the manifests: {error}") from None


def _until_ready(booted: Booted, home: Home) -> dict[str, Any]:
    """The facts of the ready daemon; otherwise the command ends here."""
    try:
        for kind, content in booted.reports():
            if kind == "ready":
                facts: dict[str, Any] = content
                return facts
            if kind == "failed":
                raise Failure(content)
    except KeyboardInterrupt:
        os.kill(booted.pid, signal.SIGTERM)
        raise Failure("interrupted", 130) from None
    raise Failure(f"the daemon ended before it was ready; see {home.log}")


def _summarise(facts: dict[str, Any]) -> None:
    flag = "" if facts["name"] == "default" else f" --name {facts['name']}"
    say(
        f'instance "{facts["name"]}" is ready in {facts["startSeconds"]:.2f} s '
        f"({facts['net']}; API {facts['api']}, DNS {facts['dns']})"
    )
    for note in facts["notes"]:
        say(f"note: {note}")
    say(f'use it:  eval "$(netemu env{flag})"   stop it:  netemu down{flag}')


def _watch(booted: Booted) -> None:
    """Show what happens until Ctrl-C; a second one doesn't wait for the pods."""
    pressed = 0

    def stop(number: int, frame: object) -> None:
        nonlocal pressed
        pressed += 1
        if pressed == 1:
            say("stopping; press Ctrl-C again to kill")
        os.kill(booted.pid, signal.SIGTERM if pressed == 1 else signal.SIGKILL)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    failure = ""
    for kind, content in booted.reports():
        if kind == "event":
            click.echo(content)
        elif kind == "failed":
            failure = content
    _, status = os.waitpid(booted.pid, 0)
    if failure:
        raise Failure(failure)
    if status and not pressed:
        raise Failure(f"the daemon ended with {os.waitstatus_to_exitcode(status)}")
