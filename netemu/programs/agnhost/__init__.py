"""registry.k8s.io/e2e-test-images/agnhost: the program that Kubernetes' own network tests run.

Behaves as that image's subcommands do from outside; see docs/images.md for what is covered.
"""

import importlib
import sys

SUBCOMMANDS = {
    "connect": "connect",
    "netexec": "netexec",
    "pause": "wait",
    "serve-hostname": "serve_hostname",
}
"""Subcommand -> module beside this one, each with a ``main(argv) -> int``."""


def main(argv: list[str]) -> int:
    """Run a subcommand; without any it is ``pause``, as the image's default argument says."""
    name, *rest = argv or ["pause"]
    if name not in SUBCOMMANDS:
        print(f'Error: unknown command "{name}" for "app"', file=sys.stderr)
        print(f"netemu's agnhost knows: {', '.join(SUBCOMMANDS)}", file=sys.stderr)
        return 1
    module = importlib.import_module(f"netemu.programs.agnhost.{SUBCOMMANDS[name]}")
    return int(module.main(rest))
