from pathlib import Path

import pytest

from netemu.node.host_path import prepare
from netemu.node.volume_files import VolumeError


@pytest.mark.parametrize("kind", ["", "DirectoryOrCreate"])
def test_a_missing_folder_is_made(tmp_path: Path, kind: str) -> None:
    prepare(tmp_path / "a" / "b", kind)
    assert (tmp_path / "a" / "b").is_dir()


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    prepare(tmp_path / "f", "FileOrCreate")
    assert (tmp_path / "f").is_file()


@pytest.mark.parametrize(
    ("kind", "words"),
    [("Directory", "is not a directory"), ("File", "is not a file"), ("Socket", "a socket file")],
)
def test_what_must_be_there_is_not_made(tmp_path: Path, kind: str, words: str) -> None:
    with pytest.raises(VolumeError, match=words):
        prepare(tmp_path / "none", kind)
    assert not (tmp_path / "none").exists()


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(VolumeError, match="hostPath type check failed: .*/f is not a directory"):
        prepare(tmp_path / "f", "DirectoryOrCreate")
    prepare(tmp_path / "f", "")
    prepare(tmp_path / "f", "File")
