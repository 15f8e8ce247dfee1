"""Links in what a proxied server answers: made to lead through the proxy again; pure.

An absolute path in a Location header or an HTML attribute would lead a browser to the API server's
own paths (apimachinery/pkg/util/proxy, transport.go).
"""

import re
from typing import Final
from urllib.parse import urlsplit

HTML_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a page whose links are rewritten; a larger one is passed on as it is."""

_LINK: Final = re.compile(
    rb"""(<(?:a|applet|area|audio|base|blockquote|body|button|command|del|embed|form|frame|head|
    html|iframe|img|input|ins|link|object|q|script|source|video)\b[^>]*?\s
    (?:action|background|cite|classid|codebase|data|formaction|href|icon|longdesc|manifest|poster|
    profile|src|usemap)\s*=\s*["']?)(/[^"'\s>]*)""",
    re.IGNORECASE | re.VERBOSE,
)


def redirect(value: str, prefix: str, authority: str) -> str:
    """A Location header of a server at `authority`, below `prefix`."""
    url = urlsplit(value)
    if url.netloc not in ("", authority) or not value or url.scheme not in ("", "http", "https"):
        return value
    if not url.path.startswith("/"):
        return value
    rest = "".join((f"?{url.query}" if url.query else "", f"#{url.fragment}" * bool(url.fragment)))
    return f"{prefix}{url.path}{rest}"


def links(page: bytes, prefix: str) -> bytes:
    """An HTML page whose absolute paths lead below `prefix`."""

    def moved(match: re.Match[bytes]) -> bytes:
        path = match[2]
        foreign = path.startswith((b"//", prefix.encode()))
        return match[1] + (path if foreign else prefix.encode() + path)

    return _LINK.sub(moved, page)
