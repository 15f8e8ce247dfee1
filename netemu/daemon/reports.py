"""What a daemon tells the command that started it, a JSON line each, over a pipe."""

import json
import os
from contextlib import suppress
from typing import Any


class Reports:
    """What the daemon tells the command: ready, failed, or what just happened."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def send(self, kind: str, content: Any) -> None:
        """Tell one thing; once the command has gone there is nobody to tell."""
        with suppress(BrokenPipeError, BlockingIOError):
            os.write(self._pipe, json.dumps([kind, content]).encode() + b"\n")
