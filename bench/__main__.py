"""All measurements, one after the other: `python -m bench [NAME …]`."""

import importlib
import os
import platform
import sys

NAMES = (
    "start",
    "sandbox",
    "readiness",
    "dns",
    "proxy",
    "connections",
    "datagrams",
    "scale",
    "many",
    "rollout",
    "api",
    "workloads",
)


def main() -> None:
    print(f"# Python {platform.python_version()}, {os.cpu_count()} cores, {platform.release()}")
    names = sys.argv[1:] or NAMES
    sys.argv[1:] = []  # they are no options of each
    for name in names:
        print(f"\n## {name}", flush=True)
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
