import pytest

from netemu.dns.records import lowered, name_from

TOO_LONG = {
    "an empty name": "",
    "an empty label": "a..b",
    "a label of 64 octets": "a" * 64,
    "a name of 256 octets": ".".join(["a" * 61] * 4 + ["a" * 6]),
    "letters that aren't ASCII": "wéb.example",
}


def test_a_name_is_its_labels() -> None:
    assert name_from("web.cluster.local") == (b"web", b"cluster", b"local")
    assert name_from("web.cluster.local.") == (b"web", b"cluster", b"local")


def test_the_longest_name_is_one() -> None:
    labels = name_from(".".join(["a" * 61] * 4 + ["a" * 5]))
    assert sum(len(label) + 1 for label in labels) + 1 == 255


@pytest.mark.parametrize("text", TOO_LONG.values(), ids=TOO_LONG.keys())
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="domain name|ascii"):
        name_from(text)


def test_only_ascii_letters_have_cases() -> None:
    assert lowered((b"WEB", b"\xc4\xd6", b"[\\]")) == (b"web", b"\xc4\xd6", b"[\\]")
