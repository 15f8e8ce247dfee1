"""``netemu env``."""

import shlex
from pathlib import Path

import click

from netemu.cli.instance import home_of, name_option, output_option, print_json, running


@click.command()
@name_option
@output_option
def command(name: str, state_dir: Path | None, output: str) -> None:
    """Print what a shell needs to use the instance: eval "$(netemu env)"."""
    facts = running(home_of(name, state_dir))
    values = {
        "KUBECONFIG": facts["kubeconfig"],
        "NETEMU_DNS": facts["dns"],
        "NETEMU_API": facts["api"],
    }
    if output == "json":
        print_json(values)
        return
    for variable, value in values.items():
        click.echo(f"export {variable}={shlex.quote(value)}")
