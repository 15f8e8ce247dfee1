"""``cache``: how long answers of others are kept."""

from functools import partial

from msgspec.structs import replace

from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.forwarding import Cache, Prefetch, Stale, Zones
from netemu.dns.plugins.draft import Draft
from netemu.dns.plugins.words import (
    EVERYWHERE,
    duration,
    flag,
    number,
    options,
    words,
    zones,
)

DEFAULTS = Cache()


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
