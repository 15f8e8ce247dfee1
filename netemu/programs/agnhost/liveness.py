"""``agnhost liveness``: healthy for ten seconds, and then no more."""

import time

from netemu.programs import web

PORT = 8080
HEALTHY_SECONDS = 10.0


def main(argv: list[str]) -> int:
    """Serve until SIGTERM."""
    started = time.monotonic()

    def answer(request: web.Request) -> web.Reply:
        seconds = time.monotonic() - started
        match request.path:
            case "/started":
                return web.text(f"{seconds:f}s")
            case "/redirect":
                place = request.query.get("loc", "")
                return web.Reply(
                    f'<a href="{place}">Found</a>.\n\n'.encode(), 302, {"Location": place}
                )
            case _ if seconds > HEALTHY_SECONDS:
                return web.text(f"error: {seconds}", 500)
            case _:
                return web.text("ok")

    return web.serve(answer, PORT).run()
