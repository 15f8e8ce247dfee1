"""``agnhost entrypoint-tester``: says how it was called, as Go prints a list of words."""

import os

from netemu.programs.agnhost import flags


def main(argv: list[str]) -> int:
    """Print and end."""
    called = os.environ.get(flags.CALLED, "/agnhost")
    print(f"[{' '.join([called, 'entrypoint-tester', *argv])}]", flush=True)
    return 0
