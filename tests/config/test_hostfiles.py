from pathlib import Path

import pytest

from netemu.config import hostfiles
from netemu.config.hostfiles import environment, matching, read_text


def test_a_text_is_read_whatever_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_bytes(b"10.0.0.1 a\xff\n")
    assert read_text(str(file)) == "10.0.0.1 a\ufffd\n"


def test_it_is_read_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostfiles, "MOST_LETTERS", 5)
    file = tmp_path / "hosts"
    file.write_text("10.0.0.1 a\n")
    assert read_text(str(file)) == "10.0."


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(OSError, match="No such file"):
        read_text("/nowhere/at/all")


def test_the_environment_is_the_daemons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UP", "192.0.2.54")
    assert environment()["UP"] == "192.0.2.54"


def test_a_pattern_fits_files_below_a_folder_or_anywhere(tmp_path: Path) -> None:
    for name in ("b.conf", "a.conf", "c.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "d.conf").mkdir()
    found = [str(tmp_path / "a.conf"), str(tmp_path / "b.conf")]
    assert matching(str(tmp_path), "*.conf") == found
    assert matching("/nowhere", f"{tmp_path}/*.conf") == found
    assert matching(str(tmp_path), "c.txt") == [str(tmp_path / "c.txt")]
    assert matching(str(tmp_path), "none") == []
