"""A real API server on a port of its own: memory store, certificates, HTTPS."""

import atexit
import random
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import aiohttp
import msgspec
import pytest

from netemu.api.access import Access
from netemu.api.authority import ensure_credentials
from netemu.api.context import Context
from netemu.api.credentials import Credentials, load, write_kubeconfig
from netemu.api.endpoints import answer
from netemu.api.http import serve_api
from netemu.api.registry import Registry
from netemu.api.request import JSON, Answer, Relay, Request, Stream, Upgrade, User
from netemu.api.tokens import ServiceAccountTokens
from netemu.api.watching import Frames
from netemu.clock import Clock, SystemClock
from netemu.config.settings import ApiSettings, StoreSettings
from netemu.model.addressing import Addressing
from netemu.model.meta import Object
from netemu.model.resources import NAMESPACES
from netemu.model.streams import ExecOptions, LogOptions, NotRunning, PodStreams, Session
from netemu.store.memory import MemoryStore

ADDRESSING = Addressing(
    services=IPv4Network("10.96.0.0/12"),
    pods=IPv4Network("10.244.0.0/16"),
    nodes=IPv4Network("172.30.0.0/24"),
    load_balancers=(IPv4Address("172.30.0.240"), IPv4Address("172.30.0.250")),
    block=77,
    mirrored=False,
)


@cache
def token_key() -> Path:
    """A key for tokens, one for the whole run."""
    folder = Path(mkdtemp(prefix="netemu-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ensure_credentials(folder, hosts=())
    return load(folder).token_key


ADMIN = User("kubernetes-admin", ("system:masters",))


class FixedLogs:
    """The streams of pods whose containers all said the same."""

    def __init__(self, *lines: bytes) -> None:
        self.lines = lines
        self.asked: list[LogOptions] = []

    async def logs(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        self.asked.append(options)
        for line in self.lines:
            yield line

    def require_running(self, pod: Object, container: str) -> None:
        raise NotRunning(f'container not found ("{container}")')

    def exec(self, pod: Object, options: ExecOptions) -> AbstractAsyncContextManager[Session]:
        raise NotRunning(f'container not found ("{options.container}")')

    attach = exec

    async def connect(self, pod: Object, port: int) -> socket.socket:
        raise NotRunning("pod not found")


def new_registry(clock: Clock | None = None, store: MemoryStore | None = None) -> Registry:
    return Registry(
        MemoryStore() if store is None else store,
        clock=clock or SystemClock(),
        rng=random.Random(1),
        addressing=ADDRESSING,
    )


async def add_namespace(registry: Registry, name: str = "default") -> None:
    await registry.client("tests").create(NAMESPACES, {"metadata": {"name": name}})


@asynccontextmanager
async def registry_with_default() -> AsyncIterator[Registry]:
    """A registry that runs and has the namespace default."""
    async with new_registry() as registry:
        await add_namespace(registry)
        yield registry


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A server that runs."""

    registry: Registry
    url: str
    credentials: Credentials
    kubeconfig: Path

    def client_tls(self, *, certificate: bool = True) -> ssl.SSLContext:
        """TLS for a client: the administrator, or nobody."""
        context = ssl.create_default_context(cafile=str(self.credentials.ca_file))
        if certificate:
            context.load_cert_chain(*self.credentials.admin_files)
        return context

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@pytest.fixture(scope="session")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    folder = tmp_path_factory.mktemp("credentials") / "pki"
    ensure_credentials(folder, hosts=())
    return load(folder)


@asynccontextmanager
async def serving(
    folder: Path,
    credentials: Credentials,
    *,
    streams: PodStreams | None = None,
    settings: ApiSettings | None = None,
    store: StoreSettings | None = None,
    ready: Callable[[], bool] = lambda: True,
) -> AsyncIterator[ApiServer]:
    """Serve an empty cluster with the namespace ``default``."""
    registry = new_registry(store=MemoryStore(store))
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    kubeconfig = folder / "kubeconfig"
    write_kubeconfig(kubeconfig, credentials, server=url, name="default")
    async with (
        registry,
        serve_api(
            registry,
            settings=settings or ApiSettings(),
            sockets=[listener],
            credentials=credentials,
            streams=streams or FixedLogs(b"hello\n"),
            ready=ready,
            rng=random.Random(1),
        ),
    ):
        await add_namespace(registry)
        yield ApiServer(registry, url, credentials, kubeconfig)


@pytest.fixture
async def api_server(tmp_path: Path, credentials: Credentials) -> AsyncIterator[ApiServer]:
    async with serving(tmp_path, credentials) as server:
        yield server


def session(server: ApiServer, *, certificate: bool = True) -> aiohttp.ClientSession:
    """A client of the server; without a certificate, nobody."""
    tls = server.client_tls(certificate=certificate)
    return aiohttp.ClientSession(
        base_url=server.url, connector=aiohttp.TCPConnector(ssl=tls, limit=0)
    )


@pytest.fixture
async def client(api_server: ApiServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with session(api_server) as found:
        yield found


class Cluster:
    """The API without its sockets: requests go straight to the handlers."""

    def __init__(self, *, clock: Clock | None = None, streams: PodStreams | None = None) -> None:
        self.store = MemoryStore()
        self.registry = new_registry(clock, self.store)
        self.ready = True
        self.context = Context(
            registry=self.registry,
            streams=streams or FixedLogs(b"hello\n"),
            frames=Frames(self.registry.clock),
            rng=random.Random(1),
            ready=lambda: self.ready,
            tokens=ServiceAccountTokens(self.registry.lookup, self.registry.clock, token_key()),
            access=Access(self.registry.store),
            address="127.0.0.1:6443",
        )

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        user: User | None = ADMIN,
        content_type: str = JSON,
        accept: str = "",
        if_none_match: str = "",
        parameters: Sequence[tuple[str, str]] = (),
        upgrade: str = "",
        protocols: Sequence[str] = (),
        **query: str,
    ) -> Answer | Stream | Upgrade | Relay:
        """What the server answers."""
        if body is None:
            body = b""
        sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
        request = Request(
            method=method,
            path=path,
            query={**dict(reversed(parameters)), **query},
            parameters=(*parameters, *query.items()),
            upgrade=upgrade,
            protocols=protocols,
            accept=accept,
            content_type=content_type,
            user_agent="tests/1",
            if_none_match=if_none_match,
            body=sent,
            user=user,
        )
        return await answer(self.context, request)

    async def whole(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        """What the server answers, which is no stream."""
        found = await self.ask(method, path, body, **more)
        assert isinstance(found, Answer)
        return found

    async def json(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """The answer's JSON, of a request that must succeed."""
        found = await self.whole(method, path, body, **more)
        assert found.status < 300, found.body
        return msgspec.json.decode(found.body)

    async def refused(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """The Status of a request that must be refused; its code is the answer's."""
        found = await self.whole(method, path, body, **more)
        status = msgspec.json.decode(found.body)
        assert found.status == status["code"] >= 400
        return status


@pytest.fixture
async def cluster() -> Cluster:
    """A cluster with the namespace ``default``."""
    found = Cluster()
    await add_namespace(found.registry)
    return found
