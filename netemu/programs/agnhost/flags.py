"""Flags as agnhost takes them (pflag): ``--name value``, ``--name=value``, ``--switch``."""

import sys

CALLED = "NETEMU_CALLED"
"""The environment variable that says by which name a container called the program."""

Flags = dict[str, str | int | float | bool]


class BadFlag(Exception):
    """What was wrong, in pflag's words."""


_DURATION = r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)"
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> float:
    """Seconds of a Go duration (``1m30s``, ``250ms``, ``0``). Raises ValueError."""
    if text == "0":
        return 0.0
    import re  # late: few programs are told a time

    parts = re.findall(_DURATION, text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'time: invalid duration "{text}"')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def parse(argv: list[str], defaults: Flags) -> tuple[Flags, list[str]]:
    """Flags (typed as their defaults; a float is a duration) and what else stood there."""
    flags, waiting = dict(defaults), iter(argv)
    rest: list[str] = []
    for word in waiting:
        if word == "--":
            rest += waiting
        elif not word.startswith("--"):
            rest.append(word)
        else:
            name, given, value = word[2:].partition("=")
            if name not in flags:
                raise BadFlag(f"unknown flag: --{name}")
            if not given and flags[name] is not True and flags[name] is not False:
                value = next(waiting, "")
            flags[name] = _typed(name, value if given or value else "true", defaults[name])
    return flags, rest


def _typed(name: str, value: str, default: str | int | float | bool) -> str | int | float | bool:
    try:
        if isinstance(default, bool):
            return {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}[
                value.lower()
            ]
        if isinstance(default, int):
            return int(value)
        if isinstance(default, float):
            return duration(value)
    except (ValueError, KeyError):
        raise BadFlag(f'invalid argument "{value}" for "--{name}" flag') from None
    return value


def parse_or_exit(argv: list[str], defaults: Flags) -> tuple[Flags, list[str]]:
    """The same; a bad flag is told on stderr and ends the program with 1."""
    try:
        return parse(argv, defaults)
    except BadFlag as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
