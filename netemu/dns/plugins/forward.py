"""``forward``, ``cache`` and ``loop``: names of others."""

import re
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from typing import Any

from msgspec.structs import replace

from netemu.dns.chain import Address, Cache, Forward, Policy, Prefetch, Stale, Tls, Zones
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
    rcode_of,
    words,
    zone_of,
    zones,
)
from netemu.dns.world import nameservers

MOST_SERVERS = 15
"""Of one ``forward`` (CoreDNS' bound)."""
DEFAULTS = Cache()
ANSWER_SECONDS = 2.0
"""For one try of one server, unless ``read_timeout`` says another."""
MAX_CONCURRENT = 1000
"""Unless told otherwise, and at 0, which is "no bound" elsewhere: kubeadm's."""
TLS, TLS_PORT = "tls://", 853
UNSUPPORTED = ("doh_method", "resolver")
STUBS = {"127.0.0.53", "127.0.0.54"}
"""Where systemd-resolved answers the machine itself. It may in turn ask us, so its own servers are
asked instead, as by kubelets (kubernetes #71705)."""
RESOLVED_FILE = "/run/systemd/resolve/resolv.conf"
"""Where it names them."""


def read_forward(line: Line, draft: Draft) -> None:
    """``forward FROM TO…``."""
    origin, *to = words(line, 2)
    needless = ("expire", "health_check", "max_idle_conns")
    given = options(
        line,
        {
            "except": lambda option: zones(option, words(option, 1), ()),
            "policy": _policy,
            "max_concurrent": one_number(0, 100_000),
            "max_fails": one_number(0, 1000),
            "read_timeout": lambda option: duration(option, words(option, 1, 1)[0]),
            "source_address": _source,
            "max_connect_attempts": one_number(0, 1000),
            "force_tcp": flag,
            "prefer_udp": flag,
            "tls": lambda option: words(option, 0, 3),
            "tls_servername": lambda option: words(option, 1, 1)[0],
            "failover": _rcodes,
            "next": _rcodes,
            "next_on_nodata": flag,
            "failfast_all_unhealthy_upstreams": flag,
            **dict.fromkeys(needless, partial(_needless, draft)),
            **dict.fromkeys(UNSUPPORTED, _unsupported),
        },
    )
    servers, names = _servers(line, to, draft)
    secured = _secured(line, names, given, draft) if names else ()
    for zone in zone_of(line, origin) if servers else ():
        draft.forwards.append(
            Forward(
                origin=zone,
                servers=servers,
                excepted=tuple(zone for many in given.get("except", []) for zone in many),
                policy=given.get("policy", [Policy.RANDOM])[-1],
                max_concurrent=given.get("max_concurrent", [0])[-1] or MAX_CONCURRENT,
                max_fails=given.get("max_fails", [2])[-1],
                attempts=given.get("max_connect_attempts", [0])[-1],
                force_tcp="force_tcp" in given,
                prefer_udp="prefer_udp" in given,
                secured=secured,
                failover=frozenset().union(*given.get("failover", [])),
                next=frozenset().union(*given.get("next", [])),
                next_on_no_data="next_on_nodata" in given,
                read_seconds=given.get("read_timeout", [ANSWER_SECONDS])[-1],
                source=given.get("source_address", [""])[-1],
                fail_fast="failfast_all_unhealthy_upstreams" in given,
            )
        )


def _servers(
    line: Line, to: Sequence[str], draft: Draft
) -> tuple[tuple[Address, ...], dict[Address, str]]:
    """The servers, and of those that are asked over TLS the names they were given."""
    found, names = list[Address](), dict[Address, str]()
    for word in to:
        if word.startswith("https://"):
            raise BadCorefile(line.number, "forward: DNS over HTTPS is not supported")
        if word.startswith("/"):
            found += _named_in(line, word, draft)
        elif word.startswith(TLS):
            server, name = _secure_server(line, word)
            found.append(server)
            names[server] = name
        else:
            found.append(address_of(line, word))
    usable = [server for server in dict.fromkeys(found) if server not in draft.world.own]
    if len(usable) > MOST_SERVERS:
        raise BadCorefile(line.number, f"forward takes up to {MOST_SERVERS} servers")
    if not usable:
        why = "only this server itself is named" if found else "no server is named"
        draft.remark(line, f"names of others are refused: {why} in {' '.join(to)}")
    return tuple(usable), names


def _secure_server(line: Line, word: str) -> tuple[Address, str]:
    """``tls://ADDRESS[%NAME][:PORT]``."""
    named = re.fullmatch(r"([^%]+)%([^%:]+)((?::\d+)?)", word.removeprefix(TLS))
    plain, name = (named[1] + named[3], named[2]) if named else (word.removeprefix(TLS), "")
    return address_of(line, plain, TLS_PORT), name


def _secured(
    line: Line, names: dict[Address, str], given: dict[str, list[Any]], draft: Draft
) -> tuple[tuple[Address, Tls], ...]:
    from netemu.dns.tls import context_of  # late: hardly anybody has it

    files = given.get("tls", [()])[-1]
    common = given.get("tls_servername", [""])[-1]
    if common and any(names.values()):
        raise BadCorefile(line.number, "forward: tls_servername and tls://ADDRESS%NAME at once")
    authorities = _read(line, files[-1], draft) if len(files) % 2 else ""
    certificate, key = files[:2] if len(files) > 1 else ("", "")
    found = [
        (
            server,
            Tls(
                name=name or common or server[0],
                authorities=authorities,
                certificate=certificate,
                key=key,
            ),
        )
        for server, name in names.items()
    ]
    try:
        for _, tls in found:
            context_of(tls)
    except OSError as error:
        raise BadCorefile(line.number, f"forward: tls: {error.strerror or error}") from error
    return tuple(found)


def _read(line: Line, path: str, draft: Draft) -> str:
    draft.files.append(path)
    try:
        return draft.world.read(path)
    except OSError as error:
        why = f"forward: cannot read {path}: {error.strerror}"
        raise BadCorefile(line.number, why) from error


def _named_in(line: Line, path: str, draft: Draft) -> tuple[Address, ...]:
    draft.files.append(path)
    try:
        named = nameservers(draft.world.read(path))
    except OSError as error:
        draft.remark(line, f"cannot read {path}: {error.strerror}")
        return ()
    if not STUBS.isdisjoint(address for address, _ in named):
        return _behind_stub(draft) or named
    return named


def _behind_stub(draft: Draft) -> tuple[Address, ...]:
    """The servers that systemd-resolved itself asks."""
    draft.files.append(RESOLVED_FILE)
    try:
        return nameservers(draft.world.read(RESOLVED_FILE))
    except OSError:
        return ()


def _rcodes(line: Line) -> frozenset[int]:
    return frozenset(int(rcode_of(line, word)) for word in words(line, 1))


def _policy(line: Line) -> Policy:
    (word,) = words(line, 1, 1)
    if word not in list(Policy):
        raise BadCorefile(line.number, f'policy is {", ".join(Policy)}, not "{word}"')
    return Policy(word)


def _source(line: Line) -> str:
    (word,) = words(line, 1, 1)
    try:
        return str(ip_address(word))
    except ValueError as error:
        raise BadCorefile(line.number, f'source_address: "{word}" is no address') from error


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
            "servfail": _failure,
            "serve_stale_policy": _stale_policy,
            "disable": partial(_disabled, draft),
            "serve_stale": _stale,
            "keepttl": flag,
            "prefetch": _prefetch,
        },
    )
    success, denial = given.get("success", [()])[-1], given.get("denial", [()])[-1]
    disabled = given.get("disable", [])
    stale = given.get("serve_stale", [None])[-1]
    positive = bool(given.get("serve_stale_policy"))
    if positive and stale is None:
        raise BadCorefile(line.number, "serve_stale_policy requires serve_stale")
    draft.cache = Cache(
        zones=zones(line, line.words[len(ttl) :], EVERYWHERE),
        success=success[1] if len(success) > 1 else cap or DEFAULTS.success,
        denial=denial[1] if len(denial) > 1 else cap or DEFAULTS.denial,
        least=success[2] if len(success) > 2 else DEFAULTS.least,
        entries=success[0] if success else DEFAULTS.entries,
        failure=given.get("servfail", [DEFAULTS.failure])[-1],
        no_success=tuple(z for what, where in disabled if what == "success" for z in where),
        no_denial=tuple(z for what, where in disabled if what == "denial" for z in where),
        least_denial=denial[2] if len(denial) > 2 else DEFAULTS.least_denial,
        denials=denial[0] if denial else DEFAULTS.denials,
        stale=replace(stale, prefer_positive=positive) if stale else None,
        prefetch=given.get("prefetch", [None])[-1],
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


STALE_MODES = ("immediate", "verify")


def _stale(line: Line) -> Stale:
    """``[DURATION] [immediate [TTL [RECHECK]] | verify [TIMEOUT [TTL [RECHECK]]]]``."""
    given = words(line, 0, 5)
    seconds = duration(line, given[0]) if given else 3600
    mode, others = given[1] if given[1:] else STALE_MODES[0], list(given[2:])
    if mode not in STALE_MODES:
        why = f'serve_stale is {" or ".join(STALE_MODES)}, not "{mode}"'
        raise BadCorefile(line.number, why)
    verified = mode == "verify"
    times = [0.0 if word == "0" else duration(line, word) for word in others]
    timeout = times.pop(0) if verified and times else 0.0
    if len(times) > 2:
        raise BadCorefile(line.number, "serve_stale immediate takes a TTL and a recheck")
    ttl, recheck = (*times, 0.0, 0.0)[:2]
    if ttl != int(ttl):
        raise BadCorefile(line.number, "serve_stale: the TTL is whole seconds")
    return Stale(seconds, verified=verified, timeout=timeout, ttl=int(ttl), recheck=recheck)


def _stale_policy(line: Line) -> bool:
    if words(line, 1, 1) != ("prefer_positive",):
        raise BadCorefile(line.number, "serve_stale_policy is prefer_positive")
    return True


LONGEST_FAILURE = 300


def _failure(line: Line) -> int:
    (word,) = words(line, 1, 1)
    seconds = 0 if word == "0" else duration(line, word)
    if seconds > LONGEST_FAILURE:
        raise BadCorefile(line.number, "caching SERVFAIL responses over 5 minutes is not permitted")
    return int(seconds)


def _prefetch(line: Line) -> Prefetch:
    """``AMOUNT [[DURATION] [PERCENTAGE%]]``."""
    amount, *others = words(line, 1, 3)
    usual = Prefetch(0)
    gap = duration(line, others[0]) if others else usual.gap
    percent = number(line, others[1].removesuffix("%"), 10, 90) if others[1:] else usual.percent
    return Prefetch(number(line, amount, 0, 1_000_000), gap, percent)


def read_loop(line: Line, draft: Draft) -> None:
    """``loop``."""
    flag(line)
    draft.check_loops = True
