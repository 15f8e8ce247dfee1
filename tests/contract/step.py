"""One command that a user of kubectl types, and what comes of it: on a cluster, and here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """One command."""

    line: str
    """``{namespace}`` stands for the chapter's."""
    out: str = ""
    """What is among what it prints on stdout, as a regular expression."""
    err: str = ""
    """The same for stderr."""
    code: int = 0
    stdin: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    since: int = 0
    """The first minor version of kubectl that has it."""
    before: int = 99
    """The first that behaves otherwise."""

    @property
    def words(self) -> list[str]:
        """The arguments; a part in quotes is one."""
        found = re.findall(r"'([^']*)'|(\S+)", self.line)
        return [quoted or word for quoted, word in found]
