"""``agnhost nettest``: peers that tell each other of themselves, and what they heard.

Only the half that waits for others: looking up peers needs a Service's endpoints by the API.
"""

import json
import threading
from collections import Counter

from netemu.programs import place, web
from netemu.programs.agnhost import flags

DEFAULTS: flags.Flags = {
    "port": 8080,
    "peers": 8,
    "service": "nettest",
    "namespace": "default",
    "delay-shutdown": 0,
}


class State:
    """What was heard."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.log: list[str] = []
        self.lock = threading.Lock()

    def shown(self) -> str:
        """As /read tells it."""
        with self.lock:
            facts = {
                "Hostname": place.hostname(),
                "Sent": {},
                "Received": dict(self.received),
                "Errors": None,
                "Log": self.log,
                "StillContactingPeers": False,
            }
            return json.dumps(facts, indent="\t")

    def heard(self, source: str) -> None:
        """Count somebody in."""
        with self.lock:
            self.received[source] += 1


def main(argv: list[str]) -> int:
    """Serve until SIGTERM or /quit."""
    options, _ = flags.parse_or_exit(argv, DEFAULTS)
    state = State()
    return web.serve(lambda request: answer(request, state), int(options["port"])).run()


def answer(request: web.Request, state: State) -> web.Reply:
    """One request."""
    match request.path:
        case "/read":
            return web.text(state.shown())
        case "/write":
            try:
                state.heard(str(json.loads(request.body)["Source"]))
            except (ValueError, KeyError, TypeError) as error:
                return web.text(f"unable to decode: {error}", 417)
            return web.text(json.dumps({"Hostname": place.hostname()}))
        case "/status":
            return web.text("running")
        case _:
            return web.text("404 page not found\n", 404)
