"""nginx as its image comes: the default site, static files on port 80.

Configuration isn't read: whoever brings one wants the real nginx, by an image map of their own.
"""

import mimetypes
import os
import sys
import time
from pathlib import Path
from urllib.parse import unquote

from netemu.programs import web

PORT = 80
ROOT = "/usr/share/nginx/html"
VERSION = "nginx/1.27.0"
PHRASES = {
    301: "Moved Permanently",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Not Allowed",
}


def main(argv: list[str]) -> int:
    """Serve, or say what `nginx -v` does."""
    if argv[:1] == ["-v"]:
        print(f"nginx version: {VERSION}", file=sys.stderr)
        return 0
    root = root_of(os.environ)

    def answered(request: web.Request) -> web.Reply:
        reply = answer(request, root)
        print(log_line(request, reply, time.localtime()), flush=True)
        return reply

    return web.serve(answered, PORT).run()


def root_of(env: "os._Environ[str] | dict[str, str]") -> Path:
    """Where the files are; in loopback mode, where nothing is mounted, below HOME."""
    return Path(env.get("HOME", "/") + ROOT) if "HOST" in env else Path(ROOT)


def answer(request: web.Request, root: Path) -> web.Reply:
    """A file of the site, or why not."""
    if request.method not in ("GET", "HEAD"):
        return page(405)
    inner = place_in(root, unquote(request.path))
    if inner is None:
        return page(400)
    if inner.is_dir():
        if not request.path.endswith("/"):
            return page(301, {"Location": f"{request.path}/"})
        inner = inner / "index.html"
        if not inner.exists():
            return page(403)
    try:
        body = inner.read_bytes()
    except PermissionError:
        return page(403)
    except (OSError, ValueError):
        return page(404)
    kind = mimetypes.guess_type(inner.name)[0] or "application/octet-stream"
    return web.Reply(body, headers={"Content-Type": kind, "Accept-Ranges": "bytes"})


def place_in(root: Path, path: str) -> Path | None:
    """The file of a path; None for one that leads out of the root or is no path."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return None if "\0" in path else root.joinpath(*parts)


def page(status: int, headers: dict[str, str] | None = None) -> web.Reply:
    """What is shown instead of a file."""
    title = f"{status} {PHRASES[status]}"
    text = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>"
        f"</center>\r\n<hr><center>{VERSION}</center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Reply(text.encode(), status, {"Content-Type": "text/html", **(headers or {})})


def log_line(request: web.Request, reply: web.Reply, now: time.struct_time) -> str:
    """A line of the access log, in the format of the image."""

    def header(name: str) -> str:
        return request.headers.get(name, ["-"])[0]

    client = request.client.rpartition(":")[0].strip("[]")
    size = 0 if request.method == "HEAD" else len(reply.body)
    return (
        f"{client} - - [{time.strftime('%d/%b/%Y:%H:%M:%S %z', now)}] "
        f'"{request.method} {request.target} HTTP/1.1" {reply.status} {size} '
        f'"{header("referer")}" "{header("user-agent")}" "{header("x-forwarded-for")}"'
    )
