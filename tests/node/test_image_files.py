from pathlib import Path

from netemu.node import image_files

SITE = {"/srv/site/index.html": "hello", "/srv/site/more.txt": "more", "/etc/site/conf": "x"}


def test_each_folder_of_the_files_is_mounted(tmp_path: Path) -> None:
    mounts = image_files.write(tmp_path, SITE)
    assert [(item.source, item.target, item.read_only) for item in mounts] == [
        (str(tmp_path / "etc/site"), "/etc/site", False),
        (str(tmp_path / "srv/site"), "/srv/site", False),
    ]
    assert (tmp_path / "srv/site/index.html").read_text() == "hello"
    assert (tmp_path / "srv/site").stat().st_mode & 0o777 == 0o777


def test_a_new_life_begins_with_the_images_files_alone(tmp_path: Path) -> None:
    image_files.write(tmp_path, SITE)
    (tmp_path / "srv/site/index.html").write_text("changed")
    (tmp_path / "srv/site/left").write_text("left behind")
    image_files.write(tmp_path, SITE)
    assert sorted(path.name for path in (tmp_path / "srv/site").iterdir()) == [
        "index.html",
        "more.txt",
    ]
    assert (tmp_path / "srv/site/index.html").read_text() == "hello"


def test_no_files_no_mounts(tmp_path: Path) -> None:
    assert image_files.write(tmp_path, {}) == []
    assert list(tmp_path.iterdir()) == []
