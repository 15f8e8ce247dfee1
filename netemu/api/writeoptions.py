"""How a write is meant."""

from dataclasses import dataclass, field

from netemu.api.request import User


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """Who writes, and whether in earnest."""

    manager: str
    dry_run: bool = False
    tracked: bool = False
    """Whether the object comes with the managedFields that follow from this write."""
    user: User | None = None
    """Who asks; None: a part of netemu itself."""
    warnings: list[str] = field(default_factory=list)
    """What the client is told beside the answer; grows."""
