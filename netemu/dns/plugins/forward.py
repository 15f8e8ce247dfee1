"""``forward`` and ``loop``: names of others."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from typing import Any, TypeAlias

from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.forwarding import Address, Forward, Policy, Tls
from netemu.dns.plugins.draft import Draft
from netemu.dns.plugins.words import (
    address_of,
    duration,
    flag,
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
ANSWER_SECONDS = 2.0
"""For one try of one server, unless ``read_timeout`` says another."""
MAX_CONCURRENT = 1000
"""Unless told otherwise, and at 0, which is "no bound" elsewhere: kubeadm's."""
HTTPS = "https://"
SECURED = {"tls://": 853, HTTPS: 443}
"""How servers are asked over TLS, and at which port."""
Named: TypeAlias = Mapping[Address, tuple[str, bool]]
"""The names that such servers were given, "" for none, and whether they are asked over HTTPS."""
UNSUPPORTED = ("resolver",)
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
            "doh_method": _method,
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


def _servers(line: Line, to: Sequence[str], draft: Draft) -> tuple[tuple[Address, ...], Named]:
    """The servers, and of those that are asked over TLS the names they were given."""
    found, names = list[Address](), dict[Address, tuple[str, bool]]()
    for word in to:
        if word.startswith("/"):
            found += _named_in(line, word, draft)
        elif scheme := next((each for each in SECURED if word.startswith(each)), None):
            server, name = _secure_server(line, word.removeprefix(scheme), SECURED[scheme])
            found.append(server)
            names[server] = name, scheme == HTTPS
        else:
            found.append(address_of(line, word))
    usable = [server for server in dict.fromkeys(found) if server not in draft.world.own]
    if len(usable) > MOST_SERVERS:
        raise BadCorefile(line.number, f"forward takes up to {MOST_SERVERS} servers")
    if not usable:
        why = "only this server itself is named" if found else "no server is named"
        draft.remark(line, f"names of others are refused: {why} in {' '.join(to)}")
    return tuple(usable), names


def _secure_server(line: Line, word: str, port: int) -> tuple[Address, str]:
    """``ADDRESS[%NAME][:PORT]``."""
    named = re.fullmatch(r"([^%]+)%([^%:]+)((?::\d+)?)", word)
    plain, name = (named[1] + named[3], named[2]) if named else (word, "")
    return address_of(line, plain, port), name


def _secured(
    line: Line, names: Named, given: dict[str, list[Any]], draft: Draft
) -> tuple[tuple[Address, Tls], ...]:
    from netemu.dns.tls import context_of  # late: hardly anybody has it

    files = given.get("tls", [()])[-1]
    common = given.get("tls_servername", [""])[-1]
    if common and any(name for name, _ in names.values()):
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
                https=https,
                get=given.get("doh_method", ["POST"])[-1] == "GET",
            ),
        )
        for server, (name, https) in names.items()
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


def _method(line: Line) -> str:
    (word,) = words(line, 1, 1)
    if word not in ("GET", "POST"):
        raise BadCorefile(line.number, f'doh_method is GET or POST, not "{word}"')
    return word


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


def read_loop(line: Line, draft: Draft) -> None:
    """``loop``."""
    flag(line)
    draft.check_loops = True
