import time
from pathlib import Path

import pytest

from netemu.programs import nginx, web

HOST = "127.37.0.3"


def request(path: str, method: str = "GET", **headers: str) -> web.Request:
    found = {name.replace("_", "-"): [value] for name, value in headers.items()}
    return web.Request(method, path.partition("?")[0], path, {}, found, b"", "10.0.0.9:4711")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    site = tmp_path / "html"
    (site / "below").mkdir(parents=True)
    (site / "index.html").write_text("<p>hello</p>")
    (site / "with space.json").write_text("{}")
    (tmp_path / "secret").write_text("secret")
    return site


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/", 200, "text/html"),
        ("/index.html?x=y", 200, "text/html"),
        ("/with%20space.json", 200, "application/json"),
        ("//below/../index.html", 200, "text/html"),
        ("/below", 301, "text/html"),
        ("/below/", 403, "text/html"),
        ("/nope", 404, "text/html"),
        ("/index.html/more", 404, "text/html"),
        ("/../secret", 400, "text/html"),
        ("/%2e%2e/secret", 400, "text/html"),
        ("/%00", 400, "text/html"),
    ],
)
def test_paths(root: Path, path: str, status: int, kind: str) -> None:
    reply = nginx.answer(request(path), root)
    assert (reply.status, reply.headers["Content-Type"]) == (status, kind)


def test_only_reading_is_allowed(root: Path) -> None:
    assert nginx.answer(request("/", "POST"), root).status == 405
    assert nginx.answer(request("/", "HEAD"), root).status == 200


def test_a_folder_without_its_slash_is_elsewhere(root: Path) -> None:
    assert nginx.answer(request("/below"), root).headers["Location"] == "/below/"


def test_the_access_log() -> None:
    asked = request("/a?b", user_agent="curl/8")
    now = time.struct_time((2026, 11, 20, 14, 5, 6, 4, 324, 0, "UTC", 0))
    line = nginx.log_line(asked, web.Reply(b"12345", 404), now)
    assert line == (
        '10.0.0.9 - - [20/Nov/2026:14:05:06 +0000] "GET /a?b HTTP/1.1" 404 5 "-" "curl/8" "-"'
    )


def test_without_mounts_the_files_are_at_home(tmp_path: Path) -> None:
    assert nginx.root_of({"PATH": ""}) == Path("/usr/share/nginx/html")
    env = {"HOST": HOST, "HOME": str(tmp_path)}
    assert nginx.root_of(env) == tmp_path / "usr/share/nginx/html"
