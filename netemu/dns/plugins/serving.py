"""Plugins about the server itself: ``loadbalance``, ``log``, and those that tell of its health."""

from functools import partial
from ipaddress import ip_network

from netemu.dns.chain import Order, Ranges, Weights
from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.plugins.draft import Draft, Plugin
from netemu.dns.plugins.words import EVERYWHERE, duration, flag, number, options, words, zones

ORDERS = {"round_robin": Order.RANDOM, "random": Order.RANDOM, "rotate": Order.ROTATE}
POLICIES = ("round_robin", "weighted", "random", "rotate")
"""CoreDNS' ``round_robin`` is a shuffle; ``rotate`` is ours."""
LARGEST_SEED = 999_999_999


def read_loadbalance(line: Line, draft: Draft) -> None:
    """``loadbalance [round_robin | random [SEED] | rotate] { prefer CIDR… }``; all words but the
    first are ours.
    """
    given = words(line, 0, 2)
    chosen = options(line, {"prefer": _ranges, "reload": _every})
    draft.preferred = tuple(network for some in chosen.get("prefer", []) for network in some)
    policy = given[0] if given else "round_robin"
    if policy == "weighted":
        (_, path) = words(line, 2, 2)
        draft.weights = _weights(line, path, draft, watched=chosen.get("reload", [30])[-1] > 0)
        draft.order = Order.KEEP
        return
    if policy not in ORDERS:
        raise BadCorefile(line.number, f'loadbalance knows {", ".join(POLICIES)}, not "{policy}"')
    draft.order = ORDERS[policy]
    if given[1:]:
        draft.seed = number(line, given[1], 0, LARGEST_SEED)


def _weights(line: Line, path: str, draft: Draft, *, watched: bool) -> Weights:
    from netemu.dns.weighing import BadWeights, weights_in  # late: few have weights

    if watched:
        draft.files.append(path)
    try:
        return weights_in(draft.world.read(path), path)
    except OSError as error:
        draft.remark(line, f"loadbalance: cannot read {path}: {error.strerror}")
        return {}
    except BadWeights as error:
        raise BadCorefile(line.number, f"loadbalance: {error}") from error


def _every(line: Line) -> float:
    (word,) = words(line, 1, 1)
    return 0.0 if word == "0" else duration(line, word)


def _ranges(line: Line) -> Ranges:
    given = words(line, 1)
    try:
        return tuple(ip_network(word, strict=False) for word in given)
    except ValueError as error:
        raise BadCorefile(line.number, f"{line.name}: {error}") from error


def read_log(line: Line, draft: Draft) -> None:
    """``log [NAME…] [FORMAT]``: queries are always logged, in memory, for ``netemu dns log``."""
    options(line, {"class": _classes})
    names = [word for word in line.words if "{" not in word]
    draft.logged = zones(line, names, EVERYWHERE)
    if line.words or line.block:
        draft.remark(line, "log has no effect: `netemu dns log` tells of every query")


CLASSES = ("success", "denial", "error", "all")


def _classes(line: Line) -> tuple[str, ...]:
    given = words(line, 1)
    for word in given:
        if word not in CLASSES:
            why = f'log: class is {", ".join(CLASSES)}, not "{word}"'
            raise BadCorefile(line.number, why)
    return given


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
