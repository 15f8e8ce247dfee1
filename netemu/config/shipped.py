"""Files that ship beside the code: in an installed package inside it, in a checkout above it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(name: str) -> Path:
    """The path of a shipped file, named as in the repository (``examples/counter.yaml``)."""
    inside = _PACKAGE / name
    return inside if inside.exists() else _PACKAGE.parent / name
