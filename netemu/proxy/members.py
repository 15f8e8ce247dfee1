"""Sets and maps of the kernel's that follow what is wanted, by difference."""

from collections.abc import Iterator

from netemu.model.nft import AddElements, Command, DeleteElements, Element, Go

Data = bytes | Go | bool
"""What belongs to a key in a map; True for a set, which has nothing but keys."""


class Members:
    """What one set or map holds, and what it should."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._there: dict[bytes, Data] = {}
        self._wanted: dict[bytes, Data | None] = {}

    def __len__(self) -> int:
        return len(self._there)

    def want(self, key: bytes, data: Data | None) -> None:
        """From the next `changes` on, `data` belongs to the key; None: it is no member."""
        self._wanted[key] = data or None

    def clear(self) -> None:
        """Want none of those that are there or were wanted."""
        self._wanted = dict.fromkeys(self._there)

    def changes(self) -> Iterator[Command]:
        """The least that makes it what it should be; taken as done."""
        wanted, self._wanted = self._wanted, {}
        there = self._there
        differ = {key: data for key, data in wanted.items() if there.get(key) != data}
        gone = [Element(key) for key in sorted(differ) if key in there]
        new = [_element(key, data) for key, data in sorted(differ.items()) if data is not None]
        for key, data in differ.items():
            if data is None:
                del there[key]
            else:
                there[key] = data
        if gone:
            yield DeleteElements(self._name, gone)
        if new:
            yield AddElements(self._name, new)


def _element(key: bytes, data: Data) -> Element:
    return Element(key) if data is True else Element(key, data)  # type: ignore[arg-type]
