import os
import stat
from pathlib import Path

from netemu.node.atomic_folder import DATA, write
from netemu.node.volume_files import File


def shown(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".." not in path.relative_to(folder).parts[0]
    } | {
        f"{top.name}/{path.name}": path.read_bytes()
        for top in folder.iterdir()
        if top.is_dir() and not top.name.startswith("..")
        for path in top.iterdir()
    }


def test_files_are_links_through_one_that_swaps(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1"), "sub/b": File(b"2", 0o400)})
    assert shown(tmp_path) == {"a": b"1", "sub/b": b"2"}
    assert (tmp_path / "a").readlink() == Path(DATA, "a")
    assert (tmp_path / "sub" / "b").stat().st_mode & 0o777 == 0o400
    before = (tmp_path / DATA).readlink()
    write(tmp_path, {"a": File(b"3")})
    assert shown(tmp_path) == {"a": b"3"}
    assert (tmp_path / DATA).readlink() != before
    hidden = [path for path in tmp_path.iterdir() if path.name.startswith("..")]
    assert len(hidden) == 2, "the link and the folder it names"


def test_an_open_folder_sees_the_change(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1")})
    link = tmp_path / "a"
    write(tmp_path, {"a": File(b"2")})
    assert link.read_bytes() == b"2"
    write(tmp_path, {})
    assert shown(tmp_path) == {}


def test_anybody_may_look_and_the_group_may_read(tmp_path: Path) -> None:
    volume = tmp_path / "v"
    before = os.umask(0o077)
    try:
        write(volume, {"a/b": File(b"x", 0o400)}, os.getgid())
    finally:
        os.umask(before)
    assert stat.S_IMODE((volume / "a" / "b").stat().st_mode) == 0o440
    assert stat.S_IMODE((volume / "a").stat().st_mode) == 0o755
    assert stat.S_IMODE(volume.stat().st_mode) == 0o755
