"""``netemu dns``: what the cluster's DNS was asked, and why it answers a name as it does."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from netemu.cli.instance import (
    Failure,
    asked,
    home_of,
    name_option,
    output_option,
    print_json,
    say,
)
from netemu.daemon.home import Home

MOST_SHOWN = 20
"""Answers of a query in a line of text; json has all of them."""
POLL_SECONDS = 0.15
"""Between two looks at the log; short enough to feel immediate."""


@click.group()
def command() -> None:
    """Look into the cluster's DNS."""


@command.command("log")
@name_option
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is asked, until Ctrl-C.")
@click.option("--tail", type=click.IntRange(min=0), help="Begin with the last so many queries.")
@click.option("--query", default="", metavar="NAME", help="Only NAME, in each step of its search.")
@click.option("--pod", default="", metavar="NS/NAME", help="Only what this pod asked.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to print a query; json is one object a line.",
)
def log_command(
    name: str,
    state_dir: Path | None,
    follow: bool,
    tail: int | None,
    query: str,
    pod: str,
    output: str,
) -> None:
    """Print what the DNS server was asked lately, and what it answered.

    The last column says where the answer came from, and which step of the client's search list the
    question was.
    """
    first = {} if tail is None else {"tail": tail}
    try:
        for entry in _entries(
            home_of(name, state_dir), follow, first, {"query": query, "pod": pod}
        ):
            click.echo(json.dumps(entry) if output == "json" else describe(entry))
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130) from None


def _entries(
    home: Home, follow: bool, first: dict[str, Any], wanted: dict[str, str]
) -> Iterator[dict[str, Any]]:
    page = asked(home, "dns-log", **first, **wanted)
    while True:
        if page["missed"] and "cursor" in first:
            say(f"{page['missed']} queries were pushed out before they could be shown")
        yield from page["entries"]
        if not page["more"]:
            if not follow:
                return
            time.sleep(POLL_SECONDS)
        first = {"cursor": page["cursor"]}
        page = asked(home, "dns-log", **first, **wanted)


def listed(answers: Sequence[str], between: str) -> str:
    """Answers on one line, as many as a reader takes in."""
    more = len(answers) - MOST_SHOWN
    return between.join(answers[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def describe(entry: dict[str, Any]) -> str:
    """One query for a reader."""
    answers = listed(entry["answers"], ",") or "-"
    search = entry["search"]
    step = f" {search['step']}/{search['of']} of {search['name']}" if search else ""
    return (
        f"{entry['time'][11:23]} {entry['pod'] or entry['client']} "
        f"{entry['name'] or '?'} {entry['type'] or '?'} {entry['rcode']} "
        f"{answers}{' (cut)' if entry['cut'] else ''} "
        f"{entry['micros']}µs {entry['protocol']} {entry['source']}{step}"
    )


@command.command("explain")
@name_option
@click.argument("question", metavar="NAME")
@click.option("--type", "kind", default="A", show_default=True, help="The type of records.")
@click.option(
    "--from",
    "place",
    default="",
    metavar="[pod:]NS/NAME",
    help="Who asks.  [default: some pod of the namespace default]",
)
@output_option
def explain_command(
    name: str, state_dir: Path | None, question: str, kind: str, place: str, output: str
) -> None:
    """Show what a pod's resolver tries for NAME, each answer, and why.

    Nothing is sent: the answers are those that the server would give now.
    """
    pod = place.removeprefix("pod:")
    if place and (":" in pod or pod.count("/") != 1):
        raise Failure(f'"{place}" is no place to ask from: use pod:NAMESPACE/NAME')
    found = asked(home_of(name, state_dir), "dns-explain", name=question, type=kind, pod=pod)
    if output == "json":
        print_json(found)
        return
    for line in explanation(found):
        click.echo(line)


def explanation(found: dict[str, Any]) -> list[str]:
    """The walk for a reader."""
    who = f"pod {found['pod']}" if found["pod"] else "a pod of the namespace default"
    search = " ".join(domain.removesuffix(".") for domain in found["search"]) or "none"
    lines = [
        f"{found['name']} {found['type']}, asked by {who}",
        f"search {search}; ndots {found['ndots']}",
    ]
    for number, step in enumerate(found["steps"], 1):
        answers = listed(step["answers"], ", ")
        rcode = step["rcode"] or "forwarded"
        lines.append(f"{number}. {step['name']} {step['type']}: {rcode} {answers}".rstrip())
        lines.append(f"   {step['why']}" if step["why"] else "")
    return [line for line in lines if line] + [found["verdict"]]
