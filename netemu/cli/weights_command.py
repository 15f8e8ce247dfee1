"""``netemu weights``."""

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
    print_table,
    say,
)

COLUMNS = (
    *("NAMESPACE", "SERVICE", "PORT", "PODS", "ENDPOINTS"),
    *("WEIGHT", "DECLARED", "CONNECTIONS", "ACHIEVED"),
)


@click.command()
@name_option
@click.option("-n", "--namespace", help="Only of this namespace.")
@output_option
@click.argument("service", default="")
def command(
    name: str, state_dir: Path | None, namespace: str | None, output: str, service: str
) -> None:
    """Show which share of connections versions were to get, and got.

    Shares are declared by a Service's annotation, by labels of its pods:
    netemu.dev/weights: "version=v1:90,version=v2:10"
    """
    rows: list[dict[str, Any]] = asked(home_of(name, state_dir), "weights")
    wanted = [row for row in rows if _wanted(row, namespace, service)]
    if service and not wanted:
        raise Failure(f'no Service "{service}" has the annotation netemu.dev/weights')
    if output == "json":
        print_json(wanted)
    elif wanted:
        print_table(COLUMNS, [cells(row) for row in wanted])
    else:
        say("no Service has the annotation netemu.dev/weights")


def _wanted(row: dict[str, Any], namespace: str | None, service: str) -> bool:
    return row["service"] == (service or row["service"]) and (
        namespace is None or row["namespace"] == namespace
    )


def cells(row: dict[str, Any]) -> list[str]:
    """One share for a reader."""
    family = " IPv6" if row["family"] == "IPv6" else ""
    port = f"{row['port'] or '-'}/{row['protocol']}{family}"
    numbers = (row["endpoints"], row["weight"], _percent(row["declared"]), row["connections"])
    words = (row["namespace"], row["service"], port, row["selector"], *numbers)
    return [*map(str, words), _percent(row["achieved"])]


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{part:.1%}"
