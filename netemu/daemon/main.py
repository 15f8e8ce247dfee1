"""The daemon's life, before and after its event loop.

What needs a process with a single thread comes first: namespaces and the spawner's fork. Then the
heavy imports, while the spawner sets the network up on the other core.
"""

import gc
import logging
import os
import resource
import sys
import time
from contextlib import suppress

from netemu.config.settings import Settings
from netemu.daemon.home import Home
from netemu.daemon.lateclient import postpone_client
from netemu.daemon.reports import Reports
from netemu.node.spawner.launch import launch

DESCRIPTORS = 524_288
"""Asked for, which is enough for what the proxy may relay (`netemu.proxy.limits`)."""
ALWAYS_HOSTS = ("localhost", "127.0.0.1")
"""How the host's clients call the API."""


def run(settings: Settings, home: Home, reports: Reports, lifeline: int | None) -> None:
    """Be the daemon until told to stop. Raises what kept it from starting or made it end."""
    started = time.monotonic()
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    gc.disable()  # until all is imported and ready: nothing of that becomes garbage
    launching = launch(settings)
    _raise_descriptor_limit()
    try:
        addressing = launching.addressing
        hosts = (*ALWAYS_HOSTS, addressing.api, addressing.control_plane)
        credentials = _fork_credentials(home, hosts)
        import asyncio  # late, as what follows: the spawner and the credentials are being made

        postpone_client()
        from netemu.daemon.cluster import serve
        from netemu.daemon.parts import Start

        launched = launching.ready()
    except BaseException:
        launching.abandon()
        raise
    try:
        start = Start(settings, home, launched, reports, started, lifeline, credentials)
        asyncio.run(serve(start))
    finally:
        launched.stop()


def _raise_descriptor_limit() -> None:
    """As many files as are allowed: a connection takes two, a process one. Pods keep the usual."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < DESCRIPTORS:
        with suppress(OSError, ValueError):  # only root may have more than the limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
            return
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _fork_credentials(home: Home, hosts: tuple[str, ...]) -> int:
    """Make keys and certificates in a process of its own: the memory that takes goes with it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            from netemu.api.authority import ensure_credentials

            ensure_credentials(home.credentials, hosts=hosts)
            code = 0
        finally:
            os._exit(code)
    return pid
