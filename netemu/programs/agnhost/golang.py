"""How Go prints what tests compare: JSON, header names, times."""

import time

_STARTED = time.monotonic()


def to_json(value: object) -> str:
    """Compact JSON with Go's HTML escapes."""
    import json  # late: most programs never say any

    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def header_name(name: str) -> str:
    """The canonical form: ``x-forwarded-for`` -> ``X-Forwarded-For``."""
    return "-".join(part.capitalize() for part in name.split("-"))


def now() -> str:
    """The current time in Go's default form, with its monotonic reading."""
    seconds = time.time()
    whole = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
    fraction = f"{seconds % 1:.9f}"[1:]
    return f"{whole}{fraction} +0000 UTC m=+{time.monotonic() - _STARTED:.9f}"
