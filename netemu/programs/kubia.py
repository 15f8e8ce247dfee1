"""luksa/kubia: answers version and hostname over HTTP on port 8080; v3 turns bad by itself."""

import threading

from netemu.programs import place, web

GOOD_REQUESTS = 4
"""How many requests v3 answers before it fails every one."""


def main(argv: list[str]) -> int:
    """Serve; the version is the first argument, else v1."""
    version = argv[0] if argv else "v1"
    name = place.hostname()
    served = 0
    lock = threading.Lock()

    def answer(request: web.Request) -> web.Reply:
        nonlocal served
        with lock:
            served += 1
            number = served
        print(f"Received request from {request.client}", flush=True)
        if version == "v3" and number > GOOD_REQUESTS:
            return web.text(f"Some internal error has occurred! This is pod {name}\n", 500)
        return web.text(f"This is {version} running in pod {name}\n")

    return web.serve(answer, 8080).run()
