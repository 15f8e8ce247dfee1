"""ghcr.io/subicura/echo: answers its hostname and version over HTTP on port 3000."""

import os

from netemu.programs import place, web


def main(argv: list[str]) -> int:
    """Serve; the version is the first argument, else $VERSION, else v1. PORT changes the port."""
    version = argv[0] if argv else os.environ.get("VERSION", "v1")
    name = place.hostname()

    def answer(request: web.Request) -> web.Reply:
        print(f"{request.method} {request.target}", flush=True)
        return web.text(f"{name} {version}\n")

    print(f"echo {version} listens on port {os.environ.get('PORT', '3000')}", flush=True)
    return web.serve(answer, int(os.environ.get("PORT", "3000"))).run()
