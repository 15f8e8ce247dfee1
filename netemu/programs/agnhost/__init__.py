"""registry.k8s.io/e2e-test-images/agnhost: the program that Kubernetes' own network tests run.

Behaves as that image's subcommands do from outside; see docs/images.md for what is covered.
"""

import importlib
import os
import sys

from netemu.programs.agnhost import flags

SUBCOMMANDS = {
    "connect": "connect",
    "entrypoint-tester": "entrypoint_tester",
    "grpc-health-checking": "grpc_health_checking",
    "liveness": "liveness",
    "mounttest": "mounttest",
    "netexec": "netexec",
    "nettest": "nettest",
    "pause": "wait",
    "serve-hostname": "serve_hostname",
    "test-webserver": "webserver",
}
"""Subcommand -> module beside this one, each with a ``main(argv) -> int``."""


def main(argv: list[str]) -> int:
    """Run a subcommand; without any it is ``pause``, as the image's default argument says."""
    if argv and "agnhost" in argv[0]:  # the name a container called it by
        os.environ[flags.CALLED] = argv.pop(0)
    name, *rest = argv or ["pause"]
    if name not in SUBCOMMANDS:
        print(f'Error: unknown command "{name}" for "app"', file=sys.stderr)
        print(f"netemu's agnhost knows: {', '.join(SUBCOMMANDS)}", file=sys.stderr)
        return 1
    module = importlib.import_module(f"netemu.programs.agnhost.{SUBCOMMANDS[name]}")
    return int(module.main(rest))
