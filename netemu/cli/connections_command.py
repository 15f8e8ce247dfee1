"""``netemu connections``."""

import time
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
    say,
)
from netemu.daemon.home import Home

WATCH_SECONDS = 0.5
"""Between two looks."""

Row = dict[str, Any]
COLUMNS = ("PROTOCOL", "CLIENT", "SERVICE", "PORT", "ENDPOINT", "AGE", "RECEIVED", "SENT")


@click.command()
@name_option
@click.option("-w", "--watch", is_flag=True, help="Go on and tell what opens (+) and ends (-).")
@output_option
def command(name: str, state_dir: Path | None, watch: bool, output: str) -> None:
    """List the connections that go through Services."""
    home = home_of(name, state_dir)
    rows: list[Row] = asked(home, "connections")
    if watch:
        _watch(home, rows, output)
    elif output == "json":
        print_json(rows)
    elif rows:
        print_table(COLUMNS, [cells(row) for row in rows])
    else:
        say("no connections")


def cells(row: Row) -> list[str]:
    """One connection for a reader."""
    service = f"{row['namespace']}/{row['service']}"
    age = f"{row['seconds']:.1f} s"
    fields = (row["protocol"], row["client"], service, row["port"] or "-", row["endpoint"], age)
    return [*fields, str(row["received"]), str(row["sent"])]


def changes(before: list[Row], after: list[Row]) -> list[tuple[str, Row]]:
    """What opened and what ended between two looks."""
    had, has = ({_identity(row): row for row in rows} for rows in (before, after))
    ended = [("-", row) for key, row in had.items() if key not in has]
    return ended + [("+", row) for key, row in has.items() if key not in had]


def _identity(row: Row) -> tuple[str, ...]:
    names = ("protocol", "client", "namespace", "service", "port", "endpoint")
    return tuple(str(row[name]) for name in names)


def _watch(home: Home, rows: list[Row], output: str) -> None:
    told = [("+", row) for row in rows]
    while True:
        for sign, row in told:
            if output == "json":
                import json

                click.echo(json.dumps({"change": sign, **row}))
            else:
                click.echo("  ".join((sign, *cells(row))))
        time.sleep(WATCH_SECONDS)
        before, rows = rows, asked(home, "connections")
        told = changes(before, rows)
