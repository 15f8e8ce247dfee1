"""``netemu completion``."""

import click
from click.shell_completion import get_completion_class

from netemu.cli.instance import Failure


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a completion script; for bash: source <(netemu completion bash)."""
    from netemu.cli import main

    kind = get_completion_class(shell)
    if kind is None:
        raise Failure(f"no completion for {shell}")
    click.echo(kind(main, {}, "netemu", "_NETEMU_COMPLETE").source())
