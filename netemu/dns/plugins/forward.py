"""``forward``, ``cache`` and ``loop``: names of others."""

from collections.abc import Sequence
from functools import partial

from netemu.dns.chain import Address, Cache, Forward, Policy, Zones
from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.plugins.draft import Draft
from netemu.dns.plugins.words import (
    EVERYWHERE,
    address_of,
    duration,
    flag,
    number,
    one_number,
    options,
    words,
    zone_of,
    zones,
)
from netemu.dns.world import nameservers

MOST_SERVERS = 15
"""Of one ``forward`` (CoreDNS' bound)."""
DEFAULTS = Cache()
MAX_CONCURRENT = 1000
"""Unless told otherwise, and at 0, which is "no bound" elsewhere: kubeadm's."""
UNSUPPORTED = ("tls", "tls_servername", "next", "failover", "doh")


def read_forward(line: Line, draft: Draft) -> None:
    """``forward FROM TO…``."""
    origin, *to = words(line, 2)
    given = options(
        line,
        {
            "except": lambda option: zones(option, words(option, 1), ()),
            "policy": _policy,
            "max_concurrent": one_number(0, 100_000),
            "max_fails": one_number(0, 1000),
            "force_tcp": flag,
            "prefer_udp": flag,
            "expire": partial(_needless, draft),
            "health_check": partial(_needless, draft),
            "max_idle_conns": partial(_needless, draft),
            "failfast_all_unhealthy_upstreams": partial(_needless, draft),
            **dict.fromkeys(UNSUPPORTED, _unsupported),
        },
    )
    servers = _servers(line, to, draft)
    for zone in zone_of(line, origin) if servers else ():
        draft.forwards.append(
            Forward(
                origin=zone,
                servers=servers,
                excepted=tuple(zone for many in given.get("except", []) for zone in many),
                policy=given.get("policy", [Policy.RANDOM])[-1],
                max_concurrent=given.get("max_concurrent", [0])[-1] or MAX_CONCURRENT,
                max_fails=given.get("max_fails", [2])[-1],
                force_tcp="force_tcp" in given,
                prefer_udp="prefer_udp" in given,
            )
        )


def _servers(line: Line, to: Sequence[str], draft: Draft) -> tuple[Address, ...]:
    found: list[Address] = []
    for word in to:
        found += _named_in(line, word, draft) if word.startswith("/") else [address_of(line, word)]
    if any(word.startswith(("tls://", "https://")) for word in to):
        raise BadCorefile(line.number, "forward: only plain DNS is supported")
    usable = [server for server in dict.fromkeys(found) if server not in draft.world.own]
    unreachable = [server for server in usable if ":" in server[0]]
    if unreachable:
        draft.remark(line, f"servers with IPv6 addresses aren't asked: {unreachable[0][0]}")
    usable = [server for server in usable if server not in unreachable]
    if len(usable) > MOST_SERVERS:
        raise BadCorefile(line.number, f"forward takes up to {MOST_SERVERS} servers")
    if not usable:
        why = "only this server itself is named" if found else "no server is named"
        draft.remark(line, f"names of others are refused: {why} in {' '.join(to)}")
    return tuple(usable)


def _named_in(line: Line, path: str, draft: Draft) -> tuple[Address, ...]:
    draft.files.append(path)
    try:
        return nameservers(draft.world.read(path))
    except OSError as error:
        draft.remark(line, f"cannot read {path}: {error.strerror}")
        return ()


def _policy(line: Line) -> Policy:
    (word,) = words(line, 1, 1)
    if word not in list(Policy):
        raise BadCorefile(line.number, f'policy is {", ".join(Policy)}, not "{word}"')
    return Policy(word)


def _needless(draft: Draft, line: Line) -> None:
    draft.remark(line, f"{line.name} has no effect: each question has a socket of its own")


def _unsupported(line: Line) -> None:
    raise BadCorefile(line.number, f"forward: {line.name} is not supported")


def read_cache(line: Line, draft: Draft) -> None:
    """``cache [TTL] [ZONE…]``."""
    ttl = line.words[:1] if line.words and line.words[0].isdigit() else ()
    cap = number(line, ttl[0], 1, 86400) if ttl else None
    given = options(
        line,
        {
            "success": _limits,
            "denial": _limits,
            "servfail": lambda option: int(duration(option, words(option, 1, 1)[0])),
            "disable": partial(_disabled, draft),
            "serve_stale": _stale,
            "keepttl": flag,
            "prefetch": lambda option: draft.remark(option, "prefetch has no effect"),
        },
    )
    success, denial = given.get("success", [()])[-1], given.get("denial", [()])[-1]
    disabled = given.get("disable", [])
    draft.cache = Cache(
        zones=zones(line, line.words[len(ttl) :], EVERYWHERE),
        success=success[1] if len(success) > 1 else cap or DEFAULTS.success,
        denial=denial[1] if len(denial) > 1 else cap or DEFAULTS.denial,
        least=success[2] if len(success) > 2 else DEFAULTS.least,
        entries=success[0] if success else DEFAULTS.entries,
        failure=given.get("servfail", [DEFAULTS.failure])[-1],
        no_success=tuple(z for what, where in disabled if what == "success" for z in where),
        no_denial=tuple(z for what, where in disabled if what == "denial" for z in where),
        stale=given.get("serve_stale", [0])[-1],
        count_down="keepttl" not in given,
    )


def _limits(line: Line) -> tuple[int, ...]:
    """``CAPACITY [TTL] [MINTTL]``."""
    given = words(line, 1, 3)
    return tuple(number(line, word, 0, 10_000_000) for word in given)


def _disabled(draft: Draft, line: Line) -> tuple[str, Zones]:
    what, *where = words(line, 1)
    if what not in ("success", "denial"):
        raise BadCorefile(line.number, f'disable success or denial, not "{what}"')
    return what, zones(line, where, draft.zones)


def _stale(line: Line) -> int:
    given = words(line, 0, 2)
    return int(duration(line, given[0])) if given else 3600


def read_loop(line: Line, draft: Draft) -> None:
    """``loop``."""
    flag(line)
    draft.check_loops = True
