from pathlib import Path

import pytest

from netemu.programs.agnhost.webserver import answer
from netemu.programs.web import overridden


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/a", 200, b"one"),
        ("/", 200, b'<pre>\n<a href="a">a</a>\n</pre>\n'),
        ("/none", 404, b"404 page not found\n"),
        ("/../../a", 200, b"one"),
    ],
)
def test_files_and_folders(tmp_path: Path, path: str, status: int, body: bytes) -> None:
    (tmp_path / "a").write_text("one")
    reply = answer(overridden(path), tmp_path)
    assert (reply.status, reply.body) == (status, body)
