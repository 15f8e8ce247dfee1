"""``$(VAR)`` in commands, arguments and values, as Kubernetes' forked expansion package has it.

A name nobody knows stays as it is; ``$$`` is one dollar sign, so ``$$(VAR)`` stays ``$(VAR)``.
"""

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Put in the values."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return "$" if name is None else values.get(name, match[0])

    return _TOKEN.sub(value, text)
