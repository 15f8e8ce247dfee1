"""``agnhost netexec``: the HTTP and UDP server behind nearly every network test.

Traps kept on purpose: UDP lower-cases what it echoes, /healthz is 412 until the UDP server runs,
/dial answers 200 when every try failed, and nothing ends with a newline.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

from netemu.programs import place, web
from netemu.programs.agnhost import flags, golang
from netemu.programs.http1 import phrase

DEFAULTS: flags.Flags = {
    "http-port": 8080,
    "udp-port": 8081,
    "sctp-port": -1,
    "tls-cert-file": "",
    "tls-private-key-file": "",
    "http-override": "",
    "udp-listen-addresses": "",
    "delay-shutdown": 0,
}
UPLOADS = "/uploads"


class Health:
    """Whether the program is ready and still wants to be."""

    ready = False
    stopping = False


def main(argv: list[str]) -> int:
    """Serve until SIGTERM and --delay-shutdown seconds more."""
    options, _ = flags.parse_or_exit(argv, DEFAULTS)
    health = Health()
    port = int(options["http-port"])
    override = str(options["http-override"])

    def answer(request: web.Request) -> web.Reply:
        _log(f"{request.method} {request.target}")
        if override:
            request = web.overridden(override)
        return ROUTES.get(request.path, _now)(request, health)

    server = web.serve(answer, port)
    if options["tls-cert-file"] and options["tls-private-key-file"]:
        import ssl  # late, as below: a pod starts the sooner for what it doesn't need

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(options["tls-cert-file"]), str(options["tls-private-key-file"]))
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    _log(f"Started HTTP server on port {port}")
    if int(options["udp-port"]) != -1:
        _start_udp(int(options["udp-port"]), str(options["udp-listen-addresses"]), health)

    server.start()
    web.wait_for_end()
    health.stopping = True
    time.sleep(float(options["delay-shutdown"]))
    return 0


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _start_udp(port: int, addresses: str, health: Health) -> None:
    for address in addresses.split(",") if addresses else [""]:
        if address:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.bind((address, port))
        else:
            sock = place.listener(port, socket.SOCK_DGRAM)
        threading.Thread(target=_serve_udp, args=(sock,), daemon=True).start()
    _log(f"Started UDP server on port  {port}")
    health.ready = True


def _serve_udp(sock: socket.socket) -> None:
    while True:
        data, client = sock.recvfrom(2048)
        words = data.decode(errors="replace").strip().lower()
        _log(f"Received UDP request {words!r} from {place.peer(client)}")
        reply = udp_answer(words, place.peer(client))
        if reply:
            sock.sendto(reply.encode(), client)


def udp_answer(words: str, client: str) -> str:
    """What a datagram gets; "" for nothing. `words` is trimmed and in lower case."""
    if words == "hostname":
        return place.hostname()
    if words == "clientip":
        return client
    return words[5:] if words.startswith("echo ") else ""


def _now(request: web.Request, health: Health) -> web.Reply:
    return web.text(f"NOW: {golang.now()}")


def _hostname(request: web.Request, health: Health) -> web.Reply:
    return web.text(place.hostname())


def _client(request: web.Request, health: Health) -> web.Reply:
    return web.text(request.client)


def _echo(request: web.Request, health: Health) -> web.Reply:
    message, code = request.query.get("msg", ""), request.query.get("code", "")
    if not code:
        return web.text(message)
    if not code.isdigit() or not 100 <= int(code) <= 999:
        return web.text(
            f"argument 'code' must be integer HTTP response code or empty, got {code!r}"
        )
    return web.text(message, int(code))


def _header(request: web.Request, health: Health) -> web.Reply:
    key = request.query.get("key", "")
    if key:
        return web.text(request.headers.get(key.lower(), [""])[0])
    # Go keeps Host apart from the other headers.
    seen = {golang.header_name(name): v for name, v in request.headers.items() if name != "host"}
    return web.text(golang.to_json(dict(sorted(seen.items()))))


def _healthz(request: web.Request, health: Health) -> web.Reply:
    return web.Reply(status=200 if health.ready else 412)


def _readyz(request: web.Request, health: Health) -> web.Reply:
    if health.stopping:
        return web.text("shutting down", 503)
    return web.text("ok") if health.ready else web.Reply(status=412)


def _exit(request: web.Request, health: Health) -> web.Reply:
    try:
        code = int(request.query.get("code") or 0)
        waiting = flags.duration(request.query.get("wait") or "0")
        flags.duration(request.query.get("timeout") or "0")
    except ValueError as error:
        return web.text(str(error), 400)
    _end(code, waiting)
    return web.Reply()


def _shutdown(request: web.Request, health: Health) -> web.Reply:
    _end(0, 0.0)
    return web.Reply()


def _end(code: int, seconds: float) -> None:
    time.sleep(seconds)
    os._exit(code)


def _redirect(request: web.Request, health: Health) -> web.Reply:
    location, code = request.query.get("location", ""), request.query.get("code", "")
    status = int(code) if code.isdigit() and 300 <= int(code) < 400 else 302
    body = f'<a href="{location}">{phrase(status)}</a>.\n\n'
    return web.Reply(
        body.encode(), status, {"Location": location, "Content-Type": "text/html; charset=utf-8"}
    )


def _shell(request: web.Request, health: Health) -> web.Reply:
    import subprocess

    command = request.query.get("shellCommand") or request.query.get("cmd") or ""
    ran = subprocess.run(
        ["/bin/sh", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        # Signals are blocked in this program (web.wait_for_end), and a child would inherit that.
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),
    )
    said = {}
    if ran.stdout:
        said["output"] = ran.stdout.decode(errors="replace")
    if ran.returncode > 0:
        said["error"] = f"exit status {ran.returncode}"
    elif ran.returncode < 0:
        said["error"] = f"signal: {ran.returncode}"
    return web.text(golang.to_json(said))


def _upload(request: web.Request, health: Health) -> web.Reply:
    content = _file_part(request)
    if content is None:
        return web.text(golang.to_json({"error": "Unable to upload file."}))
    import tempfile

    try:
        os.makedirs(UPLOADS, exist_ok=True)
        number, path = tempfile.mkstemp(prefix="upload", dir=UPLOADS)
        with open(number, "wb") as file:
            file.write(content)
        os.chmod(path, 0o700)
    except OSError:
        return web.text(golang.to_json({"error": "Unable to create file for upload"}))
    return web.text(golang.to_json({"output": path}), 201)


def _file_part(request: web.Request) -> bytes | None:
    """The multipart field ``file``."""
    from email.parser import BytesParser  # late: nothing else needs it

    kind = request.headers.get("content-type", [""])[0]
    message = BytesParser().parsebytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body
    )
    for part in message.walk():
        if part.get_param("name", header="content-disposition") == "file":
            payload = part.get_payload(decode=True)
            return payload if isinstance(payload, bytes) else None
    return None


def _dial(request: web.Request, health: Health) -> web.Reply:
    from netemu.programs.agnhost import dial

    return dial.answer(request)


ROUTES: dict[str, Callable[[web.Request, Health], web.Reply]] = {
    "/": _now,
    "/clientip": _client,
    "/dial": _dial,
    "/echo": _echo,
    "/exit": _exit,
    "/header": _header,
    "/healthz": _healthz,
    "/hostName": _hostname,
    "/hostname": _hostname,
    "/readyz": _readyz,
    "/redirect": _redirect,
    "/shell": _shell,
    "/shutdown": _shutdown,
    "/upload": _upload,
}
"""Unknown paths are served as "/"."""
