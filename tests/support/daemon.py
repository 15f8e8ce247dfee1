"""An instance's folder with somebody in it who answers questions like the daemon does."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netemu.daemon.asking import Refused
from netemu.daemon.control import Handler, serve_control
from netemu.daemon.home import Home
from netemu.dns.questions import DnsQuestions, Unanswered

FACTS = {"name": "default", "dns": "127.0.0.1:1053", "net": "rootless"}


@contextmanager
def answering(state_dir: Path, handlers: Mapping[str, Handler], **facts: Any) -> Iterator[Home]:
    """The instance "default" in `state_dir`, as running."""
    home = Home(state_dir / "default")
    home.prepare()
    lock = home.lock()
    home.sign(lock)
    home.write_facts(FACTS | facts)
    started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serve_control(home.socket, lambda: handlers):
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    try:
        assert started.wait(5)
        yield home
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
        loop.close()
        os.close(lock)


def dns_handlers(questions: DnsQuestions) -> dict[str, Handler]:
    """The questions that the DNS server answers."""

    def refusing(answer: Callable[[Mapping[str, Any]], Awaitable[Any]]) -> Handler:
        async def handler(question: dict[str, Any]) -> Any:
            try:
                return await answer(question)
            except Unanswered as error:
                raise Refused(str(error)) from None

        return handler

    return {"dns-log": refusing(questions.log), "dns-explain": refusing(questions.explain)}
