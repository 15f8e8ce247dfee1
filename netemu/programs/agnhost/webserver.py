"""``agnhost test-webserver``: the container's files over HTTP."""

import html
import os
from pathlib import Path
from urllib.parse import unquote

from netemu.programs import web
from netemu.programs.agnhost import flags

DEFAULTS: flags.Flags = {"port": 80}
ROOT = Path("/")
FILE_LIMIT = 64 * 1024 * 1024
"""Bytes of a file that are sent at most."""


def main(argv: list[str]) -> int:
    """Serve until SIGTERM."""
    options, _ = flags.parse_or_exit(argv, DEFAULTS)
    return web.serve(lambda request: answer(request, ROOT), int(options["port"])).run()


def answer(request: web.Request, root: Path) -> web.Reply:
    """A file, or a folder's list."""
    path = root / os.path.normpath("/" + unquote(request.path)).lstrip("/")
    try:
        if path.is_dir():
            names = (f"{entry.name}/" if entry.is_dir() else entry.name for entry in path.iterdir())
            links = "".join(f'<a href="{html.escape(n)}">{html.escape(n)}</a>\n' for n in names)
            body = f"<pre>\n{links}</pre>\n"
            return web.Reply(body.encode(), 200, {"Content-Type": "text/html; charset=utf-8"})
        with path.open("rb") as file:
            return web.Reply(file.read(FILE_LIMIT))
    except FileNotFoundError:
        return web.text("404 page not found\n", 404)
    except OSError:
        return web.text("403 Forbidden\n", 403)
