"""A redis for machines that have none: what counters and smoke tests use, in memory, on port 6379.

Commands and error texts follow redis 7; anything else is refused as an unknown command.
"""

import fnmatch
import socketserver
import threading
from collections.abc import Callable
from io import BufferedIOBase

from netemu.programs import place, web

LIMIT = 512 * 1024 * 1024
"""Bytes of one argument (redis' proto-max-bulk-len)."""


class Refused(Exception):
    """An error reply."""


class Database:
    """Strings by key. One lock, as redis has one thread."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    def run(self, words: list[bytes]) -> object:
        """Run one command. Raises Refused."""
        name = words[0].decode(errors="replace")
        found = COMMANDS.get(name.upper())
        if found is None:
            raise Refused(f"ERR unknown command '{name}', with args beginning with: ")
        least, most, command = found
        if not least <= len(words) - 1 <= most:
            raise Refused(f"ERR wrong number of arguments for '{name.lower()}' command")
        with self._lock:
            return command(self._values, *words[1:])


def _add(values: dict[bytes, bytes], key: bytes, amount: bytes) -> int:
    try:
        number = int(values.get(key, b"0")) + int(amount)
    except ValueError:
        raise Refused("ERR value is not an integer or out of range") from None
    values[key] = str(number).encode()
    return number


def _set(values: dict[bytes, bytes], key: bytes, value: bytes) -> str:
    values[key] = value
    return "OK"


def _set_new(values: dict[bytes, bytes], key: bytes, value: bytes) -> int:
    if key in values:
        return 0
    values[key] = value
    return 1


def _append(values: dict[bytes, bytes], key: bytes, value: bytes) -> int:
    values[key] = values.get(key, b"") + value
    return len(values[key])


def _keys(values: dict[bytes, bytes], pattern: bytes) -> list[object]:
    return [key for key in values if fnmatch.fnmatchcase(key.decode(), pattern.decode())]


def _clear(values: dict[bytes, bytes]) -> str:
    values.clear()
    return "OK"


MANY = 1 << 20
COMMANDS: dict[str, tuple[int, int, Callable[..., object]]] = {
    "APPEND": (2, 2, _append),
    "CLIENT": (1, MANY, lambda values, *rest: "OK"),
    "COMMAND": (0, MANY, lambda values, *rest: []),
    "DBSIZE": (0, 0, len),
    "DECR": (1, 1, lambda values, key: _add(values, key, b"-1")),
    "DECRBY": (2, 2, lambda values, key, by: _add(values, key, b"-" + by)),
    "DEL": (1, MANY, lambda values, *keys: sum(values.pop(k, None) is not None for k in keys)),
    "ECHO": (1, 1, lambda values, word: word),
    "EXISTS": (1, MANY, lambda values, *keys: sum(key in values for key in keys)),
    "FLUSHALL": (0, 1, lambda values, *rest: _clear(values)),
    "FLUSHDB": (0, 1, lambda values, *rest: _clear(values)),
    "GET": (1, 1, lambda values, key: values.get(key)),
    "INCR": (1, 1, lambda values, key: _add(values, key, b"1")),
    "INCRBY": (2, 2, _add),
    "INFO": (0, MANY, lambda values, *rest: b"# Server\r\nredis_version:7.0.0-netemu\r\n"),
    "KEYS": (1, 1, _keys),
    "MGET": (1, MANY, lambda values, *keys: [values.get(key) for key in keys]),
    "PING": (0, 1, lambda values, *word: word[0] if word else "PONG"),
    "SELECT": (1, 1, lambda values, number: "OK"),
    "SET": (2, 2, _set),
    "SETNX": (2, 2, _set_new),
    "STRLEN": (1, 1, lambda values, key: len(values.get(key, b""))),
}
"""Least and most arguments, and what to do; called with the values and the arguments."""


def encode(value: object) -> bytes:
    """A reply in RESP2: str is a status, bytes a bulk string."""
    if isinstance(value, Refused):
        return f"-{value}\r\n".encode()
    if isinstance(value, str):
        return f"+{value}\r\n".encode()
    if isinstance(value, int):
        return f":{value}\r\n".encode()
    if isinstance(value, bytes):
        return b"$%d\r\n%s\r\n" % (len(value), value)
    if isinstance(value, list):
        return b"*%d\r\n" % len(value) + b"".join(encode(item) for item in value)
    return b"$-1\r\n"


def read_command(stream: BufferedIOBase) -> list[bytes] | None:
    """The next command, None at the end. Raises Refused for what is no RESP; inline works, too."""
    line = stream.readline(64 * 1024)
    if not line.startswith(b"*"):
        return line.split() if line else None
    try:
        return [_bulk(stream) for _ in range(min(int(line[1:]), MANY))]
    except ValueError:
        raise Refused("ERR Protocol error: invalid multibulk length") from None


def _bulk(stream: BufferedIOBase) -> bytes:
    line = stream.readline(64)
    if not line.startswith(b"$"):
        raise Refused(
            f"ERR Protocol error: expected '$', got '{line[:1].decode(errors='replace')}'"
        )
    size = int(line[1:])
    if not 0 <= size <= LIMIT:
        raise Refused("ERR Protocol error: invalid bulk length")
    return stream.read(size + 2)[:-2]


def main(argv: list[str]) -> int:
    """Serve."""
    database = Database()

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            while True:
                try:
                    words = read_command(self.rfile)
                except Refused as refused:
                    self.wfile.write(encode(refused))
                    return
                if words is None or words[:1] in ([b"QUIT"], [b"quit"]):
                    return
                if not words:
                    continue
                try:
                    reply = database.run(words)
                except Refused as refused:
                    reply = refused
                self.wfile.write(encode(reply))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that went away is nothing to tell."""

    sock = place.listener(6379)
    server = Server(sock.getsockname()[:2], Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = sock
    print("Ready to accept connections tcp", flush=True)
    threading.Thread(target=server.serve_forever, args=(None,), daemon=True).start()
    web.wait_for_end()
    return 0
