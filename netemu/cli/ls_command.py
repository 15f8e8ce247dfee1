"""``netemu ls``."""

from pathlib import Path
from typing import Any

import click

from netemu.cli.instance import default_state_dir, output_option, print_json, say
from netemu.daemon.home import Home, homes


@click.command()
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="NETEMU_STATE_DIR",
    help="Folder of all instances.  [default: ~/.local/state/netemu]",
)
@output_option
def command(state_dir: Path | None, output: str) -> None:
    """List the instances, running or not."""
    rows = [_row(home) for home in homes(state_dir or default_state_dir())]
    if output == "json":
        print_json(rows)
    elif rows:
        _print(rows)
    else:
        say("no instances; start one with: netemu up")


def _row(home: Home) -> dict[str, Any]:
    pid, facts = home.pid(), home.facts() or {}
    status = "stopped" if pid is None else "ready" if facts else "starting"
    return {
        "name": home.name,
        "status": status,
        "pid": pid,
        **{key: facts.get(key) for key in ("net", "api", "dns")},
        "home": str(home.folder),
    }


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="")
    for column in ("NAME", "STATUS", "PID", "NET", "API", "DNS"):
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(
            *(str(row[key] or "-") for key in ("name", "status", "pid", "net", "api", "dns"))
        )
    Console(soft_wrap=True, highlight=False).print(table)
