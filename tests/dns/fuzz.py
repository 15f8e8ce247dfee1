"""Coverage-guided fuzzing of the DNS server with atheris: ``python -m tests.dns.fuzz [SECONDS]``.

Not a test: `make fuzz` and CI run it for a minute. What it finds goes into `test_fuzzing`.
"""

import sys

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["netemu.dns"]):
    from tests.dns.fuzzing import Round
    from tests.dns.test_fuzzing import KINDS, NAMES, framed

from tests.dns.cluster import packet
from tests.dns.upstream import answered

LONGEST = 2048
"""Octets of one input."""


def seeds() -> list[bytes]:
    """Inputs to begin with: one of each kind of name and type."""
    queries = [
        packet(name, kind, edns=edns) for name in NAMES for kind in KINDS for edns in (0, 900)
    ]
    return [framed(query, answered(query)) for query in queries]


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    one, first = Round(), seeds()

    def play(octets: bytes) -> None:
        one.play(octets)

    def mutate(octets: bytes, most: int, seed: int) -> bytes:
        """Now and then begin anew from a seed, so that no folder of them is needed."""
        if seed % 50 == 0:
            octets = first[seed // 50 % len(first)]
        return bytes(atheris.Mutate(octets, most))

    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options], play, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
