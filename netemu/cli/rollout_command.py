"""``netemu rollout``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from netemu.cli.instance import (
    asked,
    home_of,
    name_option,
    output_option,
    print_json,
    print_table,
)

Report = dict[str, Any]
MOST_SHARES = 20
"""Rows of the table of shares for readers; JSON has them all."""
_KINDS = ("deploy", "deployment", "deployments", "deployment.apps", "deployments.apps")
_CAUSES = {
    "noEndpointReached": "no endpoint could be reached",
    "endedByReset": "connection ended by a reset",
}


class Target(click.ParamType[str]):
    """deploy/NAME, as kubectl takes it; the name alone will do."""

    name = "deployment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name."""
        kind, slash, name = str(value).rpartition("/")
        if not name or (slash and kind not in _KINDS):
            self.fail(f"{value!r} is no Deployment: use deploy/NAME", param, ctx)
        return name


@click.group()
def command() -> None:
    """Look at rollouts of Deployments; kubectl rollout starts, pauses and undoes them."""


@command.command()
@name_option
@click.option("-n", "--namespace", default="default", show_default=True)
@click.option("--revision", type=click.IntRange(min=1), help="Of an earlier rollout.")
@output_option
@click.argument("deployment", type=Target(), metavar="deploy/NAME")
def report(
    name: str,
    state_dir: Path | None,
    namespace: str,
    revision: int | None,
    output: str,
    deployment: str,
) -> None:
    """Tell what the newest rollout cost: time, requests, and who served when."""
    told: Report = asked(
        home_of(name, state_dir),
        "rollout-report",
        namespace=namespace,
        name=deployment,
        revision=revision,
    )
    if output == "json":
        print_json(told)
        return
    for line in _summary(told):
        click.echo(line)
    click.echo()
    print_table(*_shares(told))
    click.echo()
    for row in told["timeline"]:
        click.echo(f"{row['at']:8.2f} s  {row['what']}")
    if told["droppedSteps"]:
        click.echo(f"and {told['droppedSteps']} more steps")


def _summary(told: Report) -> Iterator[str]:
    head = f"deployment/{told['deployment']} revision {told['revision']}: {told['state']}"
    yield f"{head} {'in' if told['state'] == 'complete' else 'after'} {told['seconds']:.1f} s"
    for version in told["versions"]:
        age, pods = "new" if version["new"] else "old", version["pods"]
        served = f"{version['connections']} connections, {version['broken']} ended by a reset"
        images = " ".join(version["images"])
        name = f"{age} revision {version['revision']}, {version['replicaSet']}"
        yield f"  {name}: {images}; {pods} pods, {served}"
    failed = [f"{count} {_CAUSES[cause]}" for cause, count in told["failures"].items() if count]
    yield f"failed: {', '.join(failed) or 'none'}"
    if told["redialed"]:
        yield f"led to another endpoint at once, unnoticed by the client: {told['redialed']}"
    yield f"without a ready pod: {told['withoutReadyPodSeconds']:.1f} s"
    if not told["connectionsSeen"]:
        yield "the kernel carries the traffic: connections aren't seen (netemu proxy mode)"


def _shares(told: Report) -> tuple[list[str], list[list[str]]]:
    names = [version["replicaSet"] for version in told["versions"]]
    revisions = [f"REVISION {version['revision']}" for version in told["versions"]]
    columns = ["AT", *(f"{each} READY" for each in revisions), *(f"{each} %" for each in revisions)]
    samples = told["share"]
    step = -(-len(samples) // MOST_SHARES) or 1
    rows = []
    for start in range(0, len(samples), step):
        some = samples[start : start + step]
        counts = [sum(each["connections"].get(name, 0) for each in some) for name in names]
        ready = [str(some[-1]["ready"].get(name, 0)) for name in names]
        every = sum(counts)
        shares = [f"{count / every:.0%}" if every else "-" for count in counts]
        rows.append([f"{some[-1]['at']:.1f} s", *ready, *shares])
    return columns, rows
