"""ghcr.io/subicura/counter: GET / on port 3000 counts one up in redis and answers the count."""

import os

from netemu.programs import place, web

KEY = "count"
REDIS_SECONDS = 5.0
"""How long redis may take to connect and to answer."""


def main(argv: list[str]) -> int:
    """Serve; redis is at REDIS_HOST:REDIS_PORT."""
    host = os.environ.get("REDIS_HOST", "redis")
    port = int(os.environ.get("REDIS_PORT", "6379"))

    def answer(request: web.Request) -> web.Reply:
        if request.path != "/":
            return web.text("Not Found\n", 404)
        try:
            return web.text(f"{count(host, port)}\n")
        except OSError as error:
            print(f"redis at {host}:{port}: {error}", flush=True)
            return web.text(f"redis at {host}:{port}: {error}\n", 500)

    return web.serve(answer, int(os.environ.get("PORT", "3000"))).run()


def count(host: str, port: int) -> int:
    """Count one up. Raises OSError when redis is away or doesn't answer with a number."""
    with place.connect(host, port, REDIS_SECONDS) as sock:
        sock.sendall(f"*2\r\n$4\r\nINCR\r\n${len(KEY)}\r\n{KEY}\r\n".encode())
        reply = sock.makefile("rb").readline().decode(errors="replace").strip()
    if not reply.startswith(":"):
        raise OSError(reply or "closed the connection")
    return int(reply[1:])
