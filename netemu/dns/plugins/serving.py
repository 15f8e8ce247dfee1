"""Plugins about the server itself: ``loadbalance``, ``log``, and those that tell of its health."""

from functools import partial
from ipaddress import ip_network

from netemu.dns.chain import Order, Ranges
from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.plugins.draft import Draft, Plugin
from netemu.dns.plugins.words import EVERYWHERE, flag, number, options, words, zones

ORDERS = {"round_robin": Order.RANDOM, "random": Order.RANDOM, "rotate": Order.ROTATE}
"""CoreDNS' ``round_robin`` is a shuffle; ``rotate`` is ours."""
LARGEST_SEED = 999_999_999


def read_loadbalance(line: Line, draft: Draft) -> None:
    """``loadbalance [round_robin | random [SEED] | rotate] { prefer CIDR… }``; all words but the
    first are ours.
    """
    given = words(line, 0, 2)
    ranges = options(line, {"prefer": _ranges}).get("prefer", [])
    draft.preferred = tuple(network for some in ranges for network in some)
    policy = given[0] if given else "round_robin"
    if policy not in ORDERS:
        raise BadCorefile(line.number, f'loadbalance knows {", ".join(ORDERS)}, not "{policy}"')
    draft.order = ORDERS[policy]
    if given[1:]:
        draft.seed = number(line, given[1], 0, LARGEST_SEED)


def _ranges(line: Line) -> Ranges:
    given = words(line, 1)
    try:
        return tuple(ip_network(word, strict=False) for word in given)
    except ValueError as error:
        raise BadCorefile(line.number, f"{line.name}: {error}") from error


def read_log(line: Line, draft: Draft) -> None:
    """``log [NAME…] [FORMAT]``: queries are always logged, in memory, for ``netemu dns log``."""
    options(line, {"class": lambda option: words(option, 1)})
    names = [word for word in line.words if "{" not in word]
    draft.logged = zones(line, names, EVERYWHERE)
    if line.words or line.block:
        draft.remark(line, "log has no effect: `netemu dns log` tells of every query")


def read_errors(line: Line, draft: Draft) -> None:
    """``errors``: they are always logged, each once."""
    words(line, 0, 1)
    options(line, {"consolidate": lambda option: words(option, 2, 4), "stacktrace": flag})


def read_reload(line: Line, draft: Draft) -> None:
    """``reload``: changes are always followed, at once."""
    words(line, 0, 2)


def listening(port: str, *known: str) -> Plugin:
    """A plugin that serves HTTP at ``[ADDRESS]``."""
    return partial(_listening, port, known)


def _listening(port: str, known: tuple[str, ...], line: Line, draft: Draft) -> None:
    given = words(line, 0, 1)
    options(line, {name: lambda option: words(option, 1) for name in known})
    draft.served[line.name] = given[0] if given else port
