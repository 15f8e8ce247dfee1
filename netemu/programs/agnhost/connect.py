"""``agnhost connect``: can HOST:PORT be reached? Nothing is said when it can."""

import socket
import sys

from netemu.programs import place
from netemu.programs.agnhost import flags

DEFAULTS: flags.Flags = {
    "timeout": 0.0,
    "protocol": "tcp",
    "udp-data": "hostname",
    "sctp": False,
}


def main(argv: list[str]) -> int:
    """Connect once: 0 when it worked, else 1 and one line on stderr."""
    options, rest = flags.parse_or_exit(argv, DEFAULTS)
    if len(rest) != 1:
        print(f"Error: accepts 1 arg(s), received {len(rest)}", file=sys.stderr)
        return 1
    problem = attempt(rest[0], options)
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def attempt(target: str, options: flags.Flags) -> str:
    """Why it failed, beginning with the word that tests look for; "" if it didn't."""
    host, colon, port = target.rpartition(":")
    if not colon or not port.isdigit():
        return f"UNKNOWN: address {target}: missing port in address"
    if options["protocol"] not in ("tcp", "udp"):
        return f"UNKNOWN: unsupported protocol {options['protocol']}"
    timeout = float(options["timeout"]) or None
    try:
        if options["protocol"] == "tcp":
            place.connect(host.strip("[]"), int(port), timeout).close()
        else:
            _ask(place.resolve(host.strip("[]")), int(port), str(options["udp-data"]), timeout)
    except TimeoutError:
        return "TIMEOUT"
    except ConnectionRefusedError:
        return "REFUSED"
    except socket.gaierror as error:
        return f"DNS: {error.strerror}"
    except OSError as error:
        return f"OTHER: {error}"
    return ""


def _ask(address: str, port: int, data: str, timeout: float | None) -> None:
    """One datagram and its reply. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.connect((address, port))
        sock.send(f"{data}\n".encode())
        sock.recv(2048)
