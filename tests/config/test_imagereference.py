import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.config.imagereference import parse_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("redis", "docker.io/library/redis:latest"),
        ("redis:7", "docker.io/library/redis:7"),
        ("docker.io/library/redis:7", "docker.io/library/redis:7"),
        ("index.docker.io/redis", "docker.io/library/redis:latest"),
        ("luksa/kubia:v2", "docker.io/luksa/kubia:v2"),
        ("ghcr.io/subicura/echo:v1", "ghcr.io/subicura/echo:v1"),
        ("localhost:5000/redis", "localhost:5000/redis:latest"),
        ("localhost/redis", "localhost/redis:latest"),
        ("registry:5000/a/b:c", "registry:5000/a/b:c"),
        (f"redis@{DIGEST}", f"docker.io/library/redis@{DIGEST}"),
        (f"redis:7@{DIGEST}", f"docker.io/library/redis@{DIGEST}"),
    ],
)
def test_references_are_normalised(text: str, full: str) -> None:
    assert parse_reference(text).full == full


@pytest.mark.parametrize("text", ["", "Redis", "redis:", "a//b", "redis:7:8", "re dis", ":7"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(ValueError, match="invalid reference format"):
        parse_reference(text)


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ValueError:
        return
    assert parse_reference(reference.full).name == reference.name


def test_ids_are_stable_and_differ() -> None:
    assert parse_reference("redis").id == parse_reference("docker.io/library/redis:latest").id
    assert parse_reference("redis:6").id != parse_reference("redis:7").id
    assert parse_reference(f"redis@{DIGEST}").id == f"docker.io/library/redis@{DIGEST}"
