"""The configuration in force: followed as the Corefile and the files it names change.

A text that can't be used changes nothing: what was in force stays, and the reason is logged and
told. Files are looked at every few seconds; the text itself comes as a value.
"""

import logging
from collections.abc import Callable

from netemu.clock import Clock
from netemu.dns.chain import Configuration
from netemu.dns.corefile import BadCorefile
from netemu.dns.plugins.table import configuration_from
from netemu.dns.world import World, is_pattern
from netemu.model.latest import Latest

log = logging.getLogger(__name__)

FILE_SECONDS = 5.0
"""Between two looks at the files that a Corefile names (CoreDNS' ``hosts`` does the same)."""


class Configurer:
    """Turns texts into the configuration in force."""

    def __init__(self, world: World, text: str, tell: Callable[[str, str], None] | None) -> None:
        self._world = world
        self._text = text
        self._tell = tell
        self._seen: dict[str, str | None] = {}
        self.failed = 0
        """Texts that couldn't be used."""
        self.latest = Latest(self._compiled(text))

    def use(self, text: str) -> None:
        """Put `text` in force if it can be."""
        try:
            configuration = self._compiled(text)
        except BadCorefile as error:
            self.failed += 1
            log.error("%s; the last Corefile stays in force", error)
            if self._tell is not None:
                self._tell("BadCorefile", f"{error}; the last Corefile stays in force")
            return
        self._text = text
        self.latest.replace(configuration)

    def _compiled(self, text: str) -> Configuration:
        configuration = configuration_from(text, self._world)
        self._seen = {name: self._content(name) for name in configuration.files}
        for remark in configuration.remarks:
            log.info("%s", remark)
        return configuration

    def _content(self, name: str) -> str | None:
        if is_pattern(name):
            return "\n".join(self._world.paths(name))
        try:
            return self._world.read(name)
        except OSError:
            return None

    async def follow_files(self, clock: Clock) -> None:
        """Read the files again whenever they have changed."""
        while True:
            await clock.sleep(FILE_SECONDS)
            found = {name: self._content(name) for name in self._seen}
            if found != self._seen:
                self._seen = found  # also of files that can't be used: those are told once
                self.use(self._text)

    async def follow_text(self, texts: Latest[str]) -> None:
        """Use each text that comes."""
        seen = texts.value
        if seen != self._text:
            self.use(seen)
        while True:
            seen = await texts.newer_than(seen)
            self.use(seen)
