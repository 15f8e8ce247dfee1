"""The machine's own files and variables that components ask for by name."""

import os
from collections.abc import Mapping

MOST_LETTERS = 16 * 1024 * 1024
"""Of one file; block lists have a few million."""


def read_text(path: str) -> str:
    """The text of a file, as far as `MOST_LETTERS`; odd octets are replaced. Raises OSError."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(MOST_LETTERS)


def matching(folder: str, pattern: str) -> list[str]:
    """The files below `folder`, or anywhere if it is absolute, that `pattern` fits, by name."""
    from glob import glob  # late: few Corefiles import files

    return sorted(path for path in glob(os.path.join(folder, pattern)) if os.path.isfile(path))


def environment() -> Mapping[str, str]:
    """The variables of the daemon's environment."""
    return os.environ
