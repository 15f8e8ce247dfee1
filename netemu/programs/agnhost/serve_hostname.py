"""``agnhost serve-hostname``: the hostname over HTTP, TCP or UDP on one port."""

import os
import socket
import sys
import threading

from netemu.programs import place, web
from netemu.programs.agnhost import flags

DEFAULTS: flags.Flags = {"http": True, "tcp": False, "udp": False, "close": False, "port": 9376}
LINGER_SECONDS = 60
"""How long it goes on after SIGTERM, as upstream does; a pod's grace period is shorter."""


def main(argv: list[str]) -> int:
    """Serve until SIGTERM, and a minute more."""
    options, _ = flags.parse_or_exit(argv, DEFAULTS)
    if options["http"] and (options["tcp"] or options["udp"]):
        print("Can't server TCP/UDP mode and HTTP mode at the same time", file=sys.stderr)
        return 1
    port = int(options["port"])
    if options["http"]:
        name = web.text(place.hostname())
        server = web.serve(lambda _: name, port, close=bool(options["close"]))
        server.start()
    if options["tcp"]:
        sock = place.listener(port)
        threading.Thread(target=_serve_tcp, args=(sock,), daemon=True).start()
    if options["udp"]:
        sock = place.listener(port, socket.SOCK_DGRAM)
        threading.Thread(target=_serve_udp, args=(sock,), daemon=True).start()
    print(f"Serving on port {port}.", file=sys.stderr, flush=True)
    web.wait_for_end()
    print(f"Received SIGTERM, shutting down in {LINGER_SECONDS} s", file=sys.stderr, flush=True)
    threading.Event().wait(LINGER_SECONDS)
    os._exit(0)


def _serve_tcp(sock: socket.socket) -> None:
    while True:
        connection, _ = sock.accept()
        with connection:
            connection.sendall(place.hostname().encode())


def _serve_udp(sock: socket.socket) -> None:
    while True:
        _, client = sock.recvfrom(2048)
        sock.sendto(place.hostname().encode(), client)
