"""What images are called: registry, path, tag and digest."""

import re
from hashlib import sha256
from typing import Final

from msgspec import Struct

DOMAIN = r"(?:localhost|[A-Za-z0-9.-]*[.][A-Za-z0-9.-]*|[A-Za-z0-9.-]+(?=:\d))(?::\d+)?"
"""A registry: a host name with a dot or a port."""
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:({DOMAIN})/)?({_PATH}(?:/{_PATH})*)"
    r"(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@([a-z0-9+._-]+:[0-9a-fA-F]{32,}))?\Z"
)
"""What an image may be called (the grammar of the distribution project's reference package)."""

HUB: Final = "docker.io"
"""The registry of references that name none."""


class Reference(Struct, frozen=True):
    """An image reference, taken apart."""

    registry: str
    path: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """Registry and path: ``docker.io/library/redis``."""
        return f"{self.registry}/{self.path}"

    @property
    def full(self) -> str:
        """The whole, with ``latest`` where nothing is said."""
        if self.digest:
            return f"{self.name}@{self.digest}"
        return f"{self.name}:{self.tag or 'latest'}"

    @property
    def id(self) -> str:
        """An imageID: stable for one reference."""
        digest = self.digest or f"sha256:{sha256(self.full.encode()).hexdigest()}"
        return f"{self.name}@{digest}"

    @property
    def version(self) -> str:
        """The tag, if it says more than "the newest"."""
        return "" if self.tag == "latest" else self.tag


def parse_reference(text: str) -> Reference:
    """Take a reference apart; short names mean the hub's library. Raises ValueError."""
    match = _REFERENCE.match(text)
    if match is None:
        raise ValueError(f'couldn\'t parse image name "{text}": invalid reference format')
    registry, path, tag, digest = (part or "" for part in match.groups())
    if registry in ("", "index.docker.io"):
        registry = HUB
    if registry == HUB and "/" not in path:
        path = f"library/{path}"
    return Reference(registry, path, tag, digest)
