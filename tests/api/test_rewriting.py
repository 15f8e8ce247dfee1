import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api.rewriting import links, redirect

PREFIX = "/api/v1/namespaces/default/pods/web/proxy"


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("/login?next=/", f"{PREFIX}/login?next=/"),
        ("http://10.244.0.5:80/login#top", f"{PREFIX}/login#top"),
        ("http://example.com/login", "http://example.com/login"),
        ("login", "login"),
        ("", ""),
    ],
)
def test_redirections(value: str, becomes: str) -> None:
    assert redirect(value, PREFIX, "10.244.0.5:80") == becomes


@pytest.mark.parametrize(
    ("page", "becomes"),
    [
        (b'<a href="/rewriteme">x</a>', f'<a href="{PREFIX}/rewriteme">x</a>'),
        (b"<IMG alt=x SRC=/i.png>", f"<IMG alt=x SRC={PREFIX}/i.png>"),
        (b"<form method=post action='/go'>", f"<form method=post action='{PREFIX}/go'>"),
        (b'<a href="other">', '<a href="other">'),
        (b'<a href="//example.com/x">', '<a href="//example.com/x">'),
        (b'<p title="/x">/y</p>', '<p title="/x">/y</p>'),
        (f'<a href="{PREFIX}/x">'.encode(), f'<a href="{PREFIX}/x">'),
    ],
)
def test_links(page: bytes, becomes: str) -> None:
    assert links(page, PREFIX) == becomes.encode()


@given(st.text(alphabet="<a href=\"/'>x ", max_size=80))
def test_rewriting_twice_is_rewriting_once(page: str) -> None:
    once = links(page.encode(), PREFIX)
    assert links(once, PREFIX) == once
