"""The image map: which program of this machine stands for a container image.

`resolve` is pure: a reference, what the container asks to run and the entries of the maps give a
`Program` or the reason why there is none. `ImageMap` reads the two files (the user's and the one
that ships), not before the first pod asks.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from netemu.config.imagereference import DOMAIN, HUB, Reference, parse_reference


class Entry(Struct, frozen=True, kw_only=True):
    """One line of a map, checked."""

    patterns: tuple[str, ...]
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    fallback: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def matches(self, reference: Reference) -> bool:
        """Whether it speaks of that image. A registry on this machine counts as a mirror of the
        hub: what is pushed there under the name of a known image stands for it.
        """
        names = [reference.name]
        if reference.registry.split(":")[0] in ("localhost", "127.0.0.1"):
            path = reference.path
            names.append(f"{HUB}/{path}" if "/" in path else f"{HUB}/library/{path}")
        return any(
            _fits(pattern, name, reference.tag) for pattern in self.patterns for name in names
        )


def _fits(pattern: str, name: str, tag: str) -> bool:
    base, colon, wanted = pattern.rpartition(":")
    if not colon or "/" in wanted:  # no tag: the colon belongs to a registry's port
        base, wanted = pattern, "*"
    if not fnmatchcase(tag or "latest", wanted):
        return False
    first, _, rest = base.partition("/")
    if not rest:
        base = f"{HUB}/library/{base}"
    elif not re.fullmatch(DOMAIN, first) and "*" not in first:
        base = f"{HUB}/{base}"
    return fnmatchcase(name, base)


class Program(Struct, frozen=True):
    """What to run for a container."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    """Texts by path that the image brings; the folders they are in are the container's own."""


class Unknown(Struct, frozen=True):
    """Why there is nothing to run."""

    reason: str
    """ErrImagePull, InvalidImageName or CreateContainerError."""
    message: str


class Wanted(Struct, frozen=True, kw_only=True):
    """What a container asks for."""

    image: str
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    """What {dir}, {listen} and {also} stand for."""


Find = Callable[[str], str | None]
"""Where a program lies, by name or path; None when there is none."""


def resolve(entries: Sequence[Entry], wanted: Wanted, find: Find) -> Program | Unknown:
    """The program for a container: by the first entry that matches, else by its own command."""
    try:
        reference = parse_reference(wanted.image)
    except ValueError as error:
        message = f'Failed to apply default image tag "{wanted.image}": {error}'
        return Unknown("InvalidImageName", message)
    entry = next((entry for entry in entries if entry.matches(reference)), None)
    if entry is not None:
        return _by_entry(entry, reference, wanted, find)
    if wanted.command and find(wanted.command[0]):
        return Program((*wanted.command, *wanted.args), {})
    return Unknown("ErrImagePull", cure(wanted.image))


def _by_entry(entry: Entry, reference: Reference, wanted: Wanted, find: Find) -> Program | Unknown:
    called = wanted.command[0] if wanted.command and _names(entry, wanted.command[0]) else ""
    values = {
        "version": reference.version,
        "python": sys.executable,
        "called": called,
        **wanted.values,
    }
    own = _filled(entry.command, values)
    if own and entry.fallback and find(own[0]) is None:
        own = _filled(entry.fallback, values)
    if wanted.command:
        argv = _called(entry, own, (*wanted.command, *wanted.args))
    elif wanted.args:
        args = tuple(wanted.args)
        argv = (*own, *(args[1:] if own and _names(entry, args[0]) else args))
    else:
        argv = (*own, *_filled(entry.args, values))
    if not argv:
        return Unknown("CreateContainerError", "no command specified")
    return Program(argv, dict(entry.env), dict(entry.files))


def _called(entry: Entry, own: tuple[str, ...], argv: tuple[str, ...]) -> tuple[str, ...]:
    return (*own, *argv[1:]) if own and _names(entry, argv[0]) else argv


def _names(entry: Entry, word: str) -> bool:
    return word in entry.names or word.rpartition("/")[2] in entry.names


def _filled(words: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Fill in {…}; a word that is nothing but an empty value goes."""
    result = []
    for word in words:
        text = word
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        if text or not word:
            result.append(text)
    return tuple(result)


def cure(image: str) -> str:
    """What to say of an image nobody knows: the three lines that would make it known."""
    return (
        f'no program on this machine stands for image "{image}"; name one in your image map:\n'
        f'images:\n- image: "{image}"\n  command: ["/path/to/program"]'
    )


class BadImageMap(ValueError):
    """An image map that cannot be read; the text names the file and the entry."""


_KEYS: Final = frozenset({"image", "command", "args", "names", "fallback", "env", "files"})


def entries_from(document: Any, origin: str) -> tuple[Entry, ...]:
    """Check a map's content. Raises BadImageMap."""
    items = document.get("images") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise BadImageMap(f'{origin}: expected a list under "images"')
    return tuple(_entry(item, f"{origin}: images[{n}]") for n, item in enumerate(items))


def _entry(item: Any, origin: str) -> Entry:
    if not isinstance(item, dict) or "image" not in item:
        raise BadImageMap(f'{origin}: expected "image" and "command"')
    unknown = sorted(map(str, item.keys() - _KEYS))
    if unknown:
        raise BadImageMap(f"{origin}: unknown field {unknown[0]}")
    patterns = item["image"] if isinstance(item["image"], list) else [item["image"]]
    files = _texts(item.get("files"), f"{origin}.files")
    if any(not path.startswith("/") or path.count("/") < 2 for path in files):
        raise BadImageMap(f"{origin}.files: expected absolute paths below a folder")
    return Entry(
        patterns=_words(patterns, f"{origin}.image"),
        command=_words(item.get("command"), f"{origin}.command"),
        args=_words(item.get("args"), f"{origin}.args"),
        names=frozenset(_words(item.get("names"), f"{origin}.names")),
        fallback=_words(item.get("fallback"), f"{origin}.fallback"),
        env=_texts(item.get("env"), f"{origin}.env"),
        files=files,
    )


def _texts(value: Any, origin: str) -> dict[str, str]:
    texts = value or {}
    if not isinstance(texts, dict):
        raise BadImageMap(f"{origin}: expected names and values")
    return {str(name): str(text) for name, text in texts.items()}


def _words(value: Any, origin: str) -> tuple[str, ...]:
    if not isinstance(value, list | None):
        raise BadImageMap(f"{origin}: expected a list")
    words: list[str] = []
    for item in value or ():
        if isinstance(item, dict) and list(item) == ["program"]:
            words.extend(builtin(str(item["program"])))
        elif isinstance(item, str | int | float):
            words.append(str(item))
        else:
            raise BadImageMap(f"{origin}: expected words, not {item!r}")
    return tuple(words)


def builtin(name: str) -> tuple[str, ...]:
    """How one of netemu's own programs is started: by a bare Python, for speed."""
    main = Path(__file__).resolve().parents[1] / "programs" / "__main__.py"
    return (sys.executable, "-S", "-E", "-s", str(main), name)


def shipped_path() -> Path:
    """Where the map that ships lies: in the installed package, else in the source tree."""
    packaged = Path(__file__).with_name("images.yaml")
    return packaged if packaged.exists() else packaged.parents[2] / "config" / "images.yaml"


class ImageMap:
    """The user's map and the shipped one. A changed file of the user's is read again."""

    def __init__(self, user: Path | None = None) -> None:
        self._user = user
        self._user_stamp: tuple[int, int] | None = None
        self._user_entries: tuple[Entry, ...] = ()
        self._shipped: tuple[Entry, ...] | None = None

    def entries(self) -> tuple[Entry, ...]:
        """All entries, the user's first. Raises BadImageMap."""
        if self._shipped is None:
            self._shipped = _read(shipped_path())
        if self._user is not None:
            self._refresh(self._user)
        return self._user_entries + self._shipped

    def _refresh(self, path: Path) -> None:
        try:
            found = path.stat()
        except OSError as error:
            raise BadImageMap(f"{path}: {error.strerror}") from error
        stamp = found.st_mtime_ns, found.st_size
        if stamp != self._user_stamp:
            self._user_entries = _read(path)
            self._user_stamp = stamp

    def resolve(self, wanted: Wanted, find: Find) -> Program | Unknown:
        """The program for a container, or why there is none."""
        try:
            entries = self.entries()
        except BadImageMap as error:
            return Unknown("ErrImagePull", str(error))
        return resolve(entries, wanted, find)

    def called(self, image: str, argv: Sequence[str]) -> tuple[str, ...]:
        """A command as a container of that image would run it: the image may bring its program."""
        found = self.resolve(Wanted(image=image, command=argv), lambda _: None)
        known = isinstance(found, Program) and not any("{" in word for word in found.argv)
        return found.argv if known and isinstance(found, Program) else tuple(argv)


def _read(path: Path) -> tuple[Entry, ...]:
    import yaml  # late: a daemon without pods never needs it

    try:
        return entries_from(yaml.safe_load(path.read_text()), str(path))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadImageMap(f"{path}: {error}") from error
