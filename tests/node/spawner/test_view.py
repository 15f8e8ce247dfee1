import os
from collections.abc import Callable
from pathlib import Path

import pytest

from netemu.fabric.namespaces import Mount, mount, private_mounts
from netemu.node.spawner import view
from tests.support import forked
from tests.support.forked import needs_root

pytestmark = needs_root


def in_view(files: dict[str, str], look: Callable[[], list[str]]) -> list[str]:
    """What one sees in a view with these files."""

    def inside() -> list[str]:
        private_mounts()
        view.build(files)
        return look()

    return forked.run(inside)


def texts(*paths: str) -> Callable[[], list[str]]:
    return lambda: [Path(path).read_text() for path in paths]


def test_a_file_shows_its_text_and_the_hosts_stays() -> None:
    before = Path("/etc/hosts").read_text()
    assert in_view({"/etc/hosts": "mine\n"}, texts("/etc/hosts")) == ["mine\n"]
    assert Path("/etc/hosts").read_text() == before


def test_anybody_may_read_it() -> None:
    mode = in_view({"/etc/hosts": ""}, lambda: [oct(os.stat("/etc/hosts").st_mode & 0o777)])
    assert mode == ["0o644"]


def test_nothing_of_how_it_was_made_shows() -> None:
    def look() -> list[str]:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        return [line for line in mounts if line.startswith("tmpfs /proc")]

    assert in_view({"/etc/hosts": ""}, look) == []


def test_a_link_shows_it_at_its_target(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("theirs")
    (tmp_path / "link").symlink_to("target")
    link = str(tmp_path / "link")
    assert in_view({link: "mine"}, texts(link)) == ["mine"]
    assert (tmp_path / "target").read_text() == "theirs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a bit of everything."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "deep").write_text("deep")
    (folder / "file").write_text("file")
    (folder / "link").symlink_to("file")
    (folder / "dangling").symlink_to("/nowhere/at/all")
    folder.chmod(0o711)
    return folder


MISSING = ["new", "dangling", "a/b/new"]


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_file_is_made_in_the_view_only(folder: Path, name: str) -> None:
    before = sorted(str(path) for path in folder.rglob("*"))
    wanted = str(folder / name)

    def look() -> list[str]:
        others = ("file", "link", "sub/deep")
        mode = oct(folder.stat().st_mode & 0o777)
        return [Path(wanted).read_text(), mode, *((folder / each).read_text() for each in others)]

    assert in_view({wanted: "mine"}, look) == ["mine", "0o711", "file", "file", "deep"]
    assert sorted(str(path) for path in folder.rglob("*")) == before
    assert (folder / "dangling").is_symlink()


def test_a_file_missing_at_the_root_gets_a_root_of_its_own() -> None:
    def look() -> list[str]:
        return [
            Path("/netemu-test/config").read_text(),
            Path("/etc/hosts").read_text(),
            str(os.path.exists("/proc/self/ns/net")),
            str(os.path.exists("/usr/bin/env")),
        ]

    wanted = {"/netemu-test/config": "mine", "/etc/hosts": "hosts"}
    assert in_view(wanted, look) == ["mine", "hosts", "True", "True"]
    assert not os.path.exists("/netemu-test")


def test_two_missing_files_of_one_folder_both_show(folder: Path) -> None:
    wanted = {str(folder / "one"): "1", str(folder / "two"): "2"}
    assert in_view(wanted, texts(*wanted)) == ["1", "2"]


def test_mounts_below_a_folder_are_still_there(folder: Path) -> None:
    def inside() -> str:
        private_mounts()
        mount("tmpfs", str(folder / "sub"), "tmpfs", Mount.NOSUID)
        (folder / "sub" / "mounted").write_text("below")
        view.build({str(folder / "new"): "mine"})
        return (folder / "sub" / "mounted").read_text()

    assert forked.run(inside) == "below"
