import base64
from typing import Any

import msgspec
import pytest

from netemu.api import continuation
from netemu.api.continuation import BadToken


def encoded(content: Any) -> str:
    raw = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


GOOD = {"v": "meta.k8s.io/v1", "rv": 5, "start": "default/a"}


def test_a_token_says_where_to_go_on() -> None:
    start = continuation.after(("default", "a"))
    assert continuation.read(continuation.token(5, start)) == (5, start)
    assert continuation.key_before(start) == ("default", "a")


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("!", "illegal base64 data at input byte 0"),
        ("abc=", "illegal base64 data at input byte 3"),
        ("abcde", "illegal base64 data at input byte 5"),
        ("é", "illegal base64 data at input byte 0"),
        (encoded(b"x"), "invalid character 'x' looking for beginning of value"),
        (encoded(b"{"), "unexpected end of JSON input"),
        (encoded([]), "json: cannot unmarshal array into Go value of type storage.continueToken"),
        (encoded(None), "server does not recognize this encoded version "),
        (encoded({**GOOD, "v": "v2"}), "server does not recognize this encoded version v2"),
        (encoded({**GOOD, "v": 1}),
         "json: cannot unmarshal number 1 into Go struct field continueToken.v of type string"),
        (encoded({**GOOD, "rv": "5"}),
         "json: cannot unmarshal string into Go struct field continueToken.rv of type int64"),
        (encoded({**GOOD, "rv": 0}),
         "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
        (encoded({**GOOD, "start": ""}), "encoded start key empty (version meta.k8s.io/v1)"),
        (encoded({**GOOD, "start": "../secrets/a"}), "../secrets/a"),
        (encoded({**GOOD, "start": "default//a"}), "default//a"),
    ],
)  # fmt: skip
def test_a_token_nobody_was_given_is_refused_in_gos_words(token: str, why: str) -> None:
    with pytest.raises(BadToken) as refused:
        continuation.read(token)
    assert refused.value.message == f"invalid continue token: continue key is not valid: {why}"
