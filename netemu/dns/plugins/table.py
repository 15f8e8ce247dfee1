"""All plugins that are known, and the way from a Corefile to a configuration.

Everything else, and each option that isn't in its plugin's table, is one clear error that names
its line: better no change than half of one.
"""

import importlib
from collections.abc import Iterator
from functools import partial
from hashlib import sha512

from netemu.dns.chain import Configuration, Order
from netemu.dns.corefile import BadCorefile, Line, ServerBlock, parse
from netemu.dns.plugins.cache import read_cache
from netemu.dns.plugins.draft import Draft, Plugin
from netemu.dns.plugins.forward import read_forward, read_loop
from netemu.dns.plugins.kubernetes import read_autopath, read_kubernetes, read_transfer
from netemu.dns.plugins.serving import (
    listening,
    read_errors,
    read_loadbalance,
    read_log,
    read_reload,
)
from netemu.dns.plugins.words import zone_of
from netemu.dns.world import World, is_pattern

DNS_PORT = "53"


def late(module: str) -> Plugin:
    """A plugin that few Corefiles have: imported when one does."""

    def read(line: Line, draft: Draft) -> None:
        found = importlib.import_module(f"netemu.dns.plugins.{module}")
        getattr(found, f"read_{module}")(line, draft)

    return read


PLUGINS: dict[str, Plugin] = {
    "kubernetes": read_kubernetes,
    "forward": read_forward,
    "cache": read_cache,
    "hosts": late("hosts"),
    "rewrite": late("rewrite"),
    "template": late("template"),
    "autopath": read_autopath,
    "transfer": read_transfer,
    "loadbalance": read_loadbalance,
    "log": read_log,
    "errors": read_errors,
    "health": listening(":8080", "lameduck"),
    "ready": listening(":8181", "monitor"),
    "prometheus": listening(":9153", "runtime_metrics"),
    "loop": read_loop,
    "reload": read_reload,
}
"""By their names in a Corefile."""

REPEATED = ("forward", "rewrite", "template", "log")
"""May stand in a block more than once."""


def configuration_from(text: str, world: World) -> Configuration:
    """What a Corefile says. Raises BadCorefile."""
    files = list[str]()
    blocks = parse(text, world.environment, partial(_imported, world, files))
    if not blocks:
        raise BadCorefile(1, "there is no server block")
    drafts = [_draft(block, world) for block in blocks]
    seen: set[object] = set()
    for draft, block in zip(drafts, blocks, strict=True):
        if not seen.isdisjoint(draft.zones):
            raise BadCorefile(block.number, "a zone that has a server block already")
        seen.update(draft.zones)
    served: dict[str, str] = {}
    for draft in drafts:
        served |= draft.served
    return Configuration(
        blocks=tuple(draft.block() for draft in drafts),
        order=next((draft.order for draft in drafts if draft.order), Order.KEEP),
        seed=next((draft.seed for draft in drafts if draft.seed is not None), None),
        weights=next((draft.weights for draft in drafts if draft.weights is not None), None),
        preferred=next((draft.preferred for draft in drafts if draft.preferred), ()),
        files=tuple(dict.fromkeys([*files, *(name for draft in drafts for name in draft.files)])),
        served=served,
        digest=sha512(text.encode()).hexdigest(),
        remarks=tuple(remark for draft in drafts for remark in draft.remarks),
    )


def _imported(world: World, files: list[str], pattern: str) -> Iterator[str]:
    """The texts of the files that ``import`` names; they are watched like the others."""
    files.append(pattern)
    if not is_pattern(pattern) and not world.paths(pattern):
        raise FileNotFoundError(2, "No such file or directory", pattern)
    for path in world.paths(pattern):
        files.append(path)
        yield world.read(path)


def _draft(block: ServerBlock, world: World) -> Draft:
    zones = tuple(zone for key in block.keys for zone in _zones(block, key))
    draft, before = Draft(world, zones), set[str]()
    for line in block.lines:
        if line.name not in PLUGINS:
            known = ", ".join(PLUGINS)
            raise BadCorefile(line.number, f'unknown plugin "{line.name}" (netemu knows {known})')
        if line.name in before and line.name not in REPEATED:
            raise BadCorefile(line.number, f"{line.name} twice in one server block")
        before.add(line.name)
        draft.named += [] if line.name in draft.named else [line.name]
        PLUGINS[line.name](line, draft)
    return draft


def _zones(block: ServerBlock, key: str) -> tuple[tuple[bytes, ...], ...]:
    bare, port = key.removeprefix("dns://"), ""
    if bare.count(":") == 1:  # more of them are an IPv6 range
        bare, _, port = bare.partition(":")
    if port not in ("", DNS_PORT):
        why = f'"{key}": netemu serves plain DNS at its own addresses; name zones only'
        raise BadCorefile(block.number, why)
    return zone_of(Line(block.number, "a server block", ()), bare or ".")
