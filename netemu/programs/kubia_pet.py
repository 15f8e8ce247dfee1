"""luksa/kubia-pet: keeps what it is given on its volume, and knows what its peers keep.

Peers are found by the SRV records of the Service that governs the StatefulSet.
"""

import http.client
import os
from pathlib import Path

from netemu.programs import place, srv, web

PORT = 8080
PEER_SECONDS = 5.0
"""How long a peer may take to answer."""

DATA_PATH = "/data"
NOTHING = "No data posted yet"


def data_file() -> Path:
    """Where data is kept; without a file system of its own the pod is told where its volume is."""
    return Path(os.environ.get("NETEMU_VOLUME_DATA", "/var/data"), "kubia.txt")


def main(argv: list[str]) -> int:
    """Serve; there are no arguments."""
    name = place.hostname()

    def answer(request: web.Request) -> web.Reply:
        if request.method == "POST":
            return _store(name, request.body)
        if request.path == DATA_PATH:
            return web.Reply(_data())
        return web.text(f"You've hit {name}\nData stored in the cluster:\n{_gathered()}")

    return web.serve(answer, PORT).run()


def _store(name: str, body: bytes) -> web.Reply:
    file = data_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    except OSError as error:
        return web.text(f"Data could not be stored on pod {name}: {error}\n", 500)
    print(f"New data has been received and stored on pod {name}", flush=True)
    return web.text(f"Data stored on pod {name}\n")


def _data() -> bytes:
    try:
        return data_file().read_bytes()
    except OSError:
        return NOTHING.encode()


def _gathered() -> str:
    """One line for each peer, this pod among them."""
    domain = srv.own_domain()
    try:
        peers = srv.lookup(domain, srv.name_server()) if domain else []
    except OSError as error:
        return f"Could not look up DNS SRV records: {error}\n"
    if not peers:
        return "No peers discovered.\n"
    names = sorted({host for host, _ in peers})
    return "".join(f"- {host}: {_peer_data(host)}\n" for host in names)


def _peer_data(host: str) -> str:
    connection = http.client.HTTPConnection(host, PORT)
    try:
        connection.sock = place.connect(host, PORT, PEER_SECONDS)
        connection.request("GET", DATA_PATH)
        return connection.getresponse().read().decode(errors="replace").rstrip("\n")
    except (OSError, http.client.HTTPException) as error:
        return f"({error})"
    finally:
        connection.close()
