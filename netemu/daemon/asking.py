"""The other end of the control socket: commands ask a running daemon.

Apart from the daemon's end, because a command that only asks shouldn't have to import asyncio.
"""

import json
import os
import socket
from pathlib import Path
from typing import Any

LINE_LIMIT = 16 * 1024 * 1024
"""Bytes of a question or an answer (manifests travel in them)."""
ANSWER_SECONDS = 30.0
"""How long a caller waits for its answer."""


class Refused(Exception):
    """The daemon's answer is no; the message says why."""


def ask(path: Path, question: str, **arguments: Any) -> Any:
    """Ask the daemon whose socket is `path`, and wait. Raises Refused, OSError."""
    # A socket's path may have 107 bytes; through the folder's descriptor any folder will do.
    folder = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(ANSWER_SECONDS)
            sock.connect(f"/proc/self/fd/{folder}/{path.name}")
            sock.sendall(json.dumps({"ask": question, **arguments}).encode() + b"\n")
            with sock.makefile("rb") as file:
                line = file.readline(LINE_LIMIT)
    finally:
        os.close(folder)
    if not line:
        raise ConnectionResetError(104, "the daemon ended")
    reply = json.loads(line)
    if "error" in reply:
        raise Refused(reply["error"])
    return reply["answer"]
