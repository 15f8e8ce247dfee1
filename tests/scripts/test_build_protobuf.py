"""The shipped table of messages is what the script makes of a kubectl."""

import zlib
from pathlib import Path

import pytest

from netemu.api.protobuf import messages
from netemu.config.version import MINOR
from scripts import build_protobuf
from tests.support.kubectls import kubectls


@pytest.mark.skipif(MINOR not in kubectls(), reason=f"there is no kubectl 1.{MINOR}")
def test_building_again_gives_the_same_file() -> None:
    built = build_protobuf.build(Path(kubectls()[MINOR]))
    shipped = build_protobuf.OUTPUT.read_bytes()
    assert zlib.decompress(built, 31) == zlib.decompress(shipped, 31)
    if "zlib-ng" not in zlib.ZLIB_RUNTIME_VERSION:  # packs the same text otherwise
        assert built == shipped


def test_every_message_referred_to_is_there() -> None:
    for described in messages().values():
        for field in described.values():
            assert field.kind != "message" or field.message in messages()


def test_what_was_said_of_fields_is_said_of_some() -> None:
    fields = [(name, field) for name, message in messages().items() for field in message.values()]
    names = {field.name for _, field in fields}
    assert set(build_protobuf.RENAMED.values()) <= names
    meant = {field.name for _, field in fields if field.how == "meant"}
    assert {word.rpartition(".")[2] for word in build_protobuf.MEANT.split()} == meant
    inlined = {field.name for _, field in fields if field.how == "inline"}
    assert set(build_protobuf.INLINED.split()) == inlined


def test_garbage_in_a_program_is_passed_over() -> None:
    packer = zlib.compressobj(wbits=31)
    zipped = packer.compress(b"no descriptor") + packer.flush()
    binary = b"..." + build_protobuf.MAGIC + b"broken" + zipped + build_protobuf.MAGIC
    assert build_protobuf.descriptors(binary) == {}
