"""``netemu watch``: looks at a folder's manifests every half second, and applies what changed.

Looking (a stat per file) works on every file system and with every editor, and costs less than to
follow renames, temporary files and folders that come and go by inotify.
"""

import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from netemu.cli.instance import asked, home_of, name_option, running, say
from netemu.daemon.home import Home

PERIOD_SECONDS = 0.5
"""Between two looks, unless --every says otherwise."""
SUFFIXES = (".yaml", ".yml", ".json")
LARGEST = 3 * 1024 * 1024
"""Bytes of a file: as much as the API takes in one body."""

Stamp = tuple[int, int, int]
"""What tells that a file changed: when, its size, its inode."""
Declared = tuple[str, ...]


@click.command()
@name_option
@click.option("-R", "--recursive", is_flag=True, help="Folders in the folder, too.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.05),
    default=PERIOD_SECONDS,
    show_default=True,
    help="Seconds between two looks.",
)
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
def command(
    name: str, state_dir: Path | None, recursive: bool, every: float, directory: Path
) -> None:
    """Apply the manifests of DIRECTORY, and go on whenever one changes, until Ctrl-C.

    Files are .yaml, .yml and .json; they are applied server-side, and what others changed in the
    fields they have is taken back. An object is pruned when the file that declared it goes, or no
    longer declares it, and no other file does; only objects that this run applied are. What can't
    be applied is told once and tried again at each look.
    """
    home = home_of(name, state_dir)
    running(home)
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell has us ignore the first
        signal.signal(number, signal.default_int_handler)
    folder = Folder(home)
    say(f"watching {directory} every {every:g} s; Ctrl-C ends it, and leaves the objects")
    try:
        while True:
            for line in folder.look(scan(directory, recursive=recursive)):
                click.echo(line)
            time.sleep(every)
    except KeyboardInterrupt:
        return


def scan(directory: Path, *, recursive: bool) -> dict[Path, Stamp]:
    """The manifests in a folder; files that vanish meanwhile are left out."""
    found = {}
    for path in sorted(directory.rglob("*") if recursive else directory.glob("*")):
        if path.suffix not in SUFFIXES or path.name.startswith("."):
            continue
        try:
            status = path.stat()
        except OSError:
            continue
        if path.is_file():
            found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found


class Folder:
    """What was applied of a folder's files, and what was wrong with them."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._done: dict[Path, Stamp] = {}
        self._objects: dict[Path, list[Declared]] = {}
        self._errors: dict[Path, list[str]] = {}

    def look(self, files: Mapping[Path, Stamp]) -> Iterator[str]:
        """Apply what changed, then prune; a line for each change and each new error."""
        gone: list[Declared] = []
        for path in [path for path in self._objects if path not in files]:
            gone += self._objects.pop(path)
        for path in [path for path in {**self._done, **self._errors} if path not in files]:
            self._done.pop(path, None)
            self._errors.pop(path, None)
        for path, stamp in files.items():
            if self._done.get(path) != stamp:
                before = self._objects.get(path, [])
                yield from self._apply(path, stamp)
                gone += [each for each in before if each not in self._objects.get(path, [])]
        yield from self._prune(gone)

    def _apply(self, path: Path, stamp: Stamp) -> Iterator[str]:
        told = self._ask(path, stamp)
        yield from told["lines"]
        yield from (f"error: {each}" for each in told["errors"] if self._is_new(path, each))
        if told["objects"] is not None:
            # What failed may be declared still: it stays until the file can be applied whole.
            now = [tuple(each) for each in told["objects"]]
            kept = self._objects.get(path, []) if told["errors"] else []
            self._objects[path] = [*now, *(each for each in kept if each not in now)]
        if told["errors"]:
            self._errors[path] = told["errors"]
            self._done.pop(path, None)
        else:
            self._errors.pop(path, None)
            self._done[path] = stamp

    def _is_new(self, path: Path, error: str) -> bool:
        return error not in self._errors.get(path, ())

    def _ask(self, path: Path, stamp: Stamp) -> dict[str, Any]:
        try:
            if stamp[1] > LARGEST:
                raise OSError(f"larger than {LARGEST} bytes")
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            return {"lines": [], "errors": [f"{path} can't be read: {error}"], "objects": None}
        told: dict[str, Any] = asked(self._home, "declare", source=str(path), text=text)
        return told

    def _prune(self, gone: Iterable[Declared]) -> Iterator[str]:
        """Delete what no file declares any more; the latest declared go first."""
        declared = {each[:3] for objects in self._objects.values() for each in objects}
        left = [each for each in gone if each[:3] not in declared]
        if left:
            yield from asked(self._home, "prune", objects=[list(each) for each in reversed(left)])
