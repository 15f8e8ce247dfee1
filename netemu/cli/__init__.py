"""The netemu command: one module per command, loaded when it is used.

Data goes to stdout, messages to stderr. Exit codes: 0 done, 1 refused or failed (the message says
why), 2 wrong usage, 3 the instance doesn't run; ``exec`` and ``shell`` end as their command does
(125 when netemu itself failed, 126 and 127 when the command can't be run or found).
"""

import importlib

import click

import netemu

COMMANDS = {
    "affinity": "Show which clients stick to which endpoints, and for how long.",
    "clock": "Pause or advance the cluster's time.",
    "completion": "Print a shell's completion script.",
    "connections": "List the connections that go through Services.",
    "demo": "Run the counter example in an instance of its own, show it, and clean up.",
    "dns": "Look into the cluster's DNS: its query log, and why a name means what.",
    "down": "Stop an instance; its objects stay for the next up.",
    "env": "Print export lines: KUBECONFIG, NETEMU_DNS, NETEMU_API.",
    "exec": "Run a command inside the cluster's network.",
    "kubeconfig": "Print the admin's kubeconfig.",
    "ls": "List the instances.",
    "node": "Add, stop, start, cut, heal or drain nodes.",
    "proxy": "Show or change who carries Services' traffic.",
    "resolver": "Make this machine's resolver ask the instance for names of the cluster.",
    "rollout": "Tell what a rollout cost.",
    "shell": "Open a shell inside the cluster's network.",
    "status": "Say how an instance is.",
    "up": "Start a cluster.",
    "version": "Print the version.",
    "watch": "Apply the manifests of a folder whenever they change.",
    "weights": "Show which share of connections versions were to get, and got.",
}
"""Each command and what it is for; its code is ``netemu.cli.<name>_command``."""


class Commands(click.Group):
    """Finds a command's module when it is called, so that each start loads one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command, loaded."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"netemu.cli.{name}_command")
        command: click.Command = module.command
        command.name = name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(netemu.__version__, "--version", message="%(version)s")
def main() -> None:
    """The network of a Kubernetes cluster on this machine: no containers, no root, no cluster."""
