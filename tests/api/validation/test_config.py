from base64 import b64encode
from typing import Any

import pytest

from netemu.model.names import config_key
from tests.support.objects import named, refusals


def test_keys_do_as_file_names() -> None:
    assert refusals("configmaps", named(data={"a/b": ""}, binaryData={"c d": ""})) == [
        f'data[a/b]: Invalid value: "a/b": {config_key("a/b")[0]}',
        f'binaryData[c d]: Invalid value: "c d": {config_key("c d")[0]}',
    ]
    assert refusals("secrets", named(data={"..": ""})) == [
        "data[..]: Invalid value: \"..\": must not be '..'"
    ]


def test_a_key_is_text_or_bytes() -> None:
    assert refusals("configmaps", named(data={"a": ""}, binaryData={"a": ""})) == [
        'data[a]: Invalid value: "a": duplicate of key present in binaryData'
    ]


def test_a_megabyte_is_enough() -> None:
    full = "x" * 1024 * 1024
    assert refusals("configmaps", named(data={"a": full})) == []
    assert refusals("configmaps", named(data={"a": full, "b": "x"})) == [
        ": Too long: may not be more than 1048576 bytes"
    ]
    encoded = b64encode(full.encode()).decode()
    assert refusals("secrets", named(data={"a": encoded})) == []
    assert refusals("secrets", named(data={"a": encoded, "b": "eA=="})) == [
        "data: Too long: may not be more than 1048576 bytes"
    ]


SEALED = "Forbidden: field is immutable when `immutable` is set"


def test_a_sealed_config_map_stays() -> None:
    old = named(immutable=True, data={"a": "1"}, binaryData={"b": "eA=="})
    assert refusals("configmaps", old, old) == []
    assert refusals("configmaps", named(data={"a": "2"}), old) == [
        f"immutable: {SEALED}",
        f"data: {SEALED}",
        f"binaryData: {SEALED}",
    ]


def test_a_secret_keeps_its_type_and_a_sealed_one_its_data() -> None:
    old = named(type="Opaque", immutable=True, data={"a": "eA=="})
    new = named(type="example.com/x", immutable=True, data={})
    assert refusals("secrets", new, old) == [
        'type: Invalid value: "example.com/x": field is immutable',
        f"data: {SEALED}",
    ]


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"type": "kubernetes.io/tls"}, ["data[tls.crt]", "data[tls.key]"]),
        ({"type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": ""}}, []),
        ({"type": "kubernetes.io/basic-auth"}, ["data[username]", "data[password]"]),
        ({"type": "kubernetes.io/basic-auth", "data": {"username": ""}}, []),
        (
            {"type": "kubernetes.io/ssh-auth", "data": {"ssh-privatekey": ""}},
            ["data[ssh-privatekey]"],
        ),
        ({"type": "kubernetes.io/dockerconfigjson"}, ["data[.dockerconfigjson]"]),
        ({"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "e30="}}, []),
        (
            {"type": "kubernetes.io/service-account-token"},
            ["metadata.annotations[kubernetes.io/service-account.name]"],
        ),
        ({"type": "example.com/mine"}, []),
    ],
)
def test_types_need_their_keys(fields: dict[str, Any], missing: list[str]) -> None:
    assert refusals("secrets", named(**fields)) == [f"{path}: Required value" for path in missing]


@pytest.mark.parametrize("text", ["eA==", "W10="])
def test_a_registry_password_is_json(text: str) -> None:
    secret = named(type="kubernetes.io/dockercfg", data={".dockercfg": text})
    (refusal,) = refusals("secrets", secret)
    assert refusal.startswith('data[.dockercfg]: Invalid value: "<secret contents redacted>": ')
