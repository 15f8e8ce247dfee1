"""``netemu affinity``."""

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


@click.command()
@name_option
@output_option
def command(name: str, state_dir: Path | None, output: str) -> None:
    """Show which clients stick to which endpoints, and for how long."""
    rows = asked(home_of(name, state_dir), "affinity")
    if output == "json":
        print_json(rows)
    elif rows:
        columns = ("NAMESPACE", "SERVICE", "PORT", "CLIENT", "ENDPOINT", "POD", "LEFT")
        print_table(columns, [_row(row) for row in rows])
    else:
        say("no client sticks to an endpoint")


def _row(row: dict[str, Any]) -> list[str]:
    port = f"{row['port'] or '-'}/{row['protocol']}"
    fields = (row["namespace"], row["service"], port, row["client"], row["endpoint"])
    return [*fields, row["pod"] or "-", f"{row['secondsLeft']:.0f} s"]
