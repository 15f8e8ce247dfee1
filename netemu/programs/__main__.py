"""Start one built-in program: ``python __main__.py NAME [ARG …]``.

Run as a file by the plainest interpreter there is (no site packages, no environment), so that a pod
starts in milliseconds; hence the path entry by hand, and no module that a program may not need
(pathlib and importlib alone cost half of a pause).
"""

import os
import signal
import sys

PROGRAMS = ("agnhost", "counter", "echo", "hello", "kubia", "kubia_pet", "nginx", "pause", "redis")
"""Every name this accepts, each a module beside this file with a ``main(argv) -> int``."""


def main() -> int:
    """Run the program named first, with the arguments that follow."""
    if len(sys.argv) < 2 or sys.argv[1] not in PROGRAMS:
        name = os.path.basename(__file__)  # pathlib is dear, see above
        print(f"usage: {name} {'|'.join(PROGRAMS)} [ARG ...]", file=sys.stderr)
        return 2
    # A request to end that comes before the program can take it waits (see web.wait_for_end).
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    sys.path[0] = os.path.realpath(f"{__file__}/../../..")
    name = f"netemu.programs.{sys.argv[1]}"
    __import__(name)
    return int(sys.modules[name].main(sys.argv[2:]))


if __name__ == "__main__":
    sys.exit(main())
