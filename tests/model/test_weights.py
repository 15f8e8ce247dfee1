"""The annotation that shares a Service's connections."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.model.weights import HEAVIEST, BadWeights, Share, parse

READ = {
    "version=v1:90,version=v2:10": [("version=v1", 90), ("version=v2", 10)],
    " version=v1:1 , version=v2:0 ": [("version=v1", 1), ("version=v2", 0)],
    "app.kubernetes.io/version=1.2:5": [("app.kubernetes.io/version=1.2", 5)],
    "track=canary&app=web:1,app=web:9": [("app=web&track=canary", 1), ("app=web", 9)],
    "track=:1": [("track=", 1)],
}
REFUSED = {
    "": "must be LABEL=VALUE:WEIGHT",
    "version=v1": "must be LABEL=VALUE:WEIGHT",
    "v1:90": "must be LABEL=VALUE:WEIGHT",
    "version=v1:90,": "must be LABEL=VALUE:WEIGHT",
    "version=v1:-1": "must be LABEL=VALUE:WEIGHT",
    "version=v1:1.5": "must be LABEL=VALUE:WEIGHT",
    "version=v1:٣": "must be LABEL=VALUE:WEIGHT",
    "version=v1:0": "at least one weight must be greater than 0",
    "version=v1:1,version=v1:2": '"version=v1" has more than one weight',
    "b=1&a=2:1,a=2&b=1:2": '"a=2&b=1" has more than one weight',
    f"version=v1:{HEAVIEST + 1}": "must be within 0..1000000",
    "version=v1:" + "9" * 5000: "must be within 0..1000000",
    "version!=v1:1": "name part must consist of",
    "version=v 1:1": "a valid label must be",
    ",".join(f"version=v{n}:1" for n in range(33)): "at most 32 shares",
}


@pytest.mark.parametrize("text", READ)
def test_shares_are_read_in_their_order(text: str) -> None:
    assert [(str(share), share.weight) for share in parse(text)] == READ[text]


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_read_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(BadWeights, match=REFUSED[text].replace(".", r"\.")):
        parse(text)


def test_a_pod_belongs_to_a_share_whose_labels_it_has_all() -> None:
    share = Share((("app", "web"), ("track", "canary")), 1)
    assert share.holds({"app": "web", "track": "canary", "more": "1"})
    assert not share.holds({"app": "web"})


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        shares = parse(text)
    except BadWeights:
        return
    assert parse(",".join(f"{share}:{share.weight}" for share in shares)) == shares
