"""The files that an image brings: written anew for each life of a container, below its own folder.

What a container writes beside them is its own and goes with it, as in a container's top layer.
Where nothing can be mounted, a program finds them below HOME.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from netemu.node.runtime import MountSpec

WRITABLE = 0o777
"""A folder's mode: a container's program may be any user."""


def write(own: Path, files: Mapping[str, str]) -> list[MountSpec]:
    """Write texts by path below the folder `own`; what to mount where. Raises OSError."""
    folders = sorted({PurePosixPath(path).parent for path in files})
    mounts = []
    for folder in folders:
        source = own / folder.relative_to("/")
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True, exist_ok=True)
        source.chmod(WRITABLE)
        mounts.append(MountSpec(source=str(source), target=str(folder)))
    for path, text in files.items():
        (own / path.removeprefix("/")).write_text(text)
    return mounts
