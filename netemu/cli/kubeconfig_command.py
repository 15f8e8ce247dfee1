"""``netemu kubeconfig``."""

from pathlib import Path

import click

from netemu.cli.instance import Failure, home_of, name_option


@click.command()
@name_option
@click.option("--path", "only_path", is_flag=True, help="Print where the file lies instead.")
def command(name: str, state_dir: Path | None, only_path: bool) -> None:
    """Print the admin's kubeconfig."""
    home = home_of(name, state_dir)
    try:
        content = home.kubeconfig.read_text()
    except OSError:
        raise Failure(f'instance "{name}" has no kubeconfig yet; start it first') from None
    click.echo(home.kubeconfig if only_path else content, nl=only_path)
