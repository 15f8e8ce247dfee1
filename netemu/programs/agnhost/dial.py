"""netexec's /dial: ask another netexec some times, and tell what it said."""

import http.client
import socket

from netemu.programs import place, web
from netemu.programs.agnhost import golang

TRY_SECONDS = 5.0
"""How long one try may take."""


def answer(request: web.Request) -> web.Reply:
    """Run the tries; 200 even if every one failed, 400 when the request makes no sense."""
    query = request.query
    protocol = query.get("protocol") or "http"
    wanted, tries = query.get("request", ""), query.get("tries") or "1"
    host, port = query.get("host", ""), query.get("port", "")
    problem = _problem(wanted, tries, protocol, port)
    if problem:
        return web.text(problem, 400)
    try:
        address = place.resolve(host)
    except (OSError, UnicodeError) as error:
        return web.text(f"host and/or port param are invalid. {error}", 400)
    ask = _ask_udp if protocol == "udp" else _ask_http
    errors: list[str] = []
    responses: list[str] = []
    last = ""
    for _ in range(int(tries)):
        try:
            last = ask(host, address, int(port), wanted)
            responses.append(last)
        except (OSError, http.client.HTTPException) as error:
            last = ""
            errors.append(str(error) or type(error).__name__)
    said: dict[str, list[str]] = {}
    if errors:
        said["errors"] = errors
    if last:
        said["responses"] = responses
    return web.text(golang.to_json(said))


def _problem(wanted: str, tries: str, protocol: str, port: str) -> str:
    if not wanted:
        return "request parameter not specified."
    if not tries.isdigit() or int(tries) < 1:
        return f"tries parameter is invalid. {tries}"
    if protocol not in ("http", "udp"):
        return f"unsupported protocol. {protocol}"
    if not port.isdigit() or not 0 < int(port) < 65536:
        return f"host and/or port param are invalid. {port}"
    return ""


def _ask_http(host: str, address: str, port: int, wanted: str) -> str:
    """The body counts, whatever the status. Raises OSError, HTTPException."""
    connection = http.client.HTTPConnection(address, port, timeout=TRY_SECONDS)
    try:
        connection.request("GET", f"/{wanted}", headers={"Host": f"{host}:{port}"})
        return connection.getresponse().read().decode(errors="replace")
    finally:
        connection.close()


def _ask_udp(host: str, address: str, port: int, wanted: str) -> str:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(TRY_SECONDS)
        sock.connect((address, port))
        sock.send(wanted.encode())
        return sock.recv(2048).decode(errors="replace")
