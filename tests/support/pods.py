"""An API server over HTTPS whose pods are real processes, without any network of their own."""

import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from netemu.api.credentials import Credentials, write_kubeconfig
from netemu.api.http import serve_api
from netemu.config.settings import ApiSettings
from tests.support.api import ApiServer
from tests.support.node import World, world


@dataclass(frozen=True, slots=True)
class Pods:
    """The server, and the world behind it."""

    server: ApiServer
    world: World


@asynccontextmanager
async def serving_pods(folder: Path, credentials: Credentials) -> AsyncIterator[Pods]:
    """Serve a cluster with the namespace ``default`` and a node."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    kubeconfig = folder / "kubeconfig"
    write_kubeconfig(kubeconfig, credentials, server=url, name="default")
    async with (
        world(folder / "home") as it,
        serve_api(
            it.registry,
            settings=ApiSettings(),
            sockets=[listener],
            credentials=credentials,
            streams=it.agent.streams,
            ready=lambda: True,
            rng=random.Random(1),
        ),
    ):
        yield Pods(ApiServer(it.registry, url, credentials, kubeconfig), it)
