import os
import sys
from pathlib import Path

import pytest

from netemu.config.imagereference import parse_reference
from netemu.config.images import (
    BadImageMap,
    Entry,
    ImageMap,
    Program,
    Unknown,
    Wanted,
    builtin,
    entries_from,
    resolve,
    shipped_path,
)

EVERYTHING = str


def nothing(_: str) -> None:
    return None


SHIPPED = ImageMap().entries()
VALUES = {"dir": "/data", "listen": "10.0.0.1", "also": ""}


def shipped(image: str, *command: str, args: tuple[str, ...] = ()) -> Program | Unknown:
    wanted = Wanted(image=image, command=command, args=args, values=VALUES)
    return resolve(SHIPPED, wanted, EVERYTHING)


def argv(found: Program | Unknown) -> tuple[str, ...]:
    assert isinstance(found, Program), found
    return found.argv


AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.47"
CASES = [
    ("a version is passed on", shipped("ghcr.io/subicura/echo:v2"), (*builtin("echo"), "v2")),
    ("latest is none", shipped("ghcr.io/subicura/echo"), builtin("echo")),
    ("kubia", shipped("luksa/kubia:v3"), (*builtin("kubia"), "v3")),
    ("counter", shipped("ghcr.io/subicura/counter:latest"), builtin("counter")),
    ("pause", shipped("registry.k8s.io/pause:3.9"), builtin("pause")),
    ("a name without a registry of its own", shipped("hello-node:v1"), builtin("hello")),
    ("agnhost pauses by default", shipped(AGNHOST), (*builtin("agnhost"), "pause")),
    (
        "its arguments choose what it does",
        shipped(AGNHOST, args=("netexec", "--http-port=80")),
        (*builtin("agnhost"), "netexec", "--http-port=80"),
    ),
    (
        "it may be called by its path",
        shipped(AGNHOST, "/agnhost", args=("netexec",)),
        (*builtin("agnhost"), "/agnhost", "netexec"),
    ),
    (
        "any other command replaces it",
        shipped(AGNHOST, "sh", "-c", "true"),
        ("sh", "-c", "true"),
    ),
    ("a shell image", shipped("busybox:1.36"), ("sh",)),
    ("with arguments alone", shipped("alpine", args=("sleep", "1")), ("sleep", "1")),
    ("with a command", shipped("debian:12", "sleep", args=("1",)), ("sleep", "1")),
    ("python", shipped("python:3.12", "python", "-c", "1"), ("python3", "-c", "1")),
    ("a mirror on this machine", shipped("localhost:5000/luksa/kubia"), builtin("kubia")),
]


@pytest.mark.parametrize(("name", "found", "expected"), CASES, ids=[case[0] for case in CASES])
def test_the_shipped_map(name: str, found: Program | Unknown, expected: tuple[str, ...]) -> None:
    assert argv(found) == expected


def test_redis_is_the_machines_own() -> None:
    found = argv(shipped("docker.io/library/redis:7", args=("--requirepass", "x")))
    assert found[0] == "redis-server"
    assert found[found.index("--dir") + 1] == "/data"
    assert found[found.index("--bind") + 1] == "10.0.0.1"
    assert found[found.index("--save") + 1] == ""
    assert found[-2:] == ("--requirepass", "x")
    assert argv(shipped("redis", args=("redis-server", "--port", "7000")))[-2:] == (
        "--port",
        "7000",
    )


def test_or_the_built_in_one() -> None:
    for command in ((), ("redis-server",), ("/usr/local/bin/docker-entrypoint.sh",)):
        wanted = Wanted(image="redis", command=command, values=VALUES)
        assert argv(resolve(SHIPPED, wanted, nothing)) == builtin("redis")


def test_without_a_python_on_the_path_ours_runs() -> None:
    assert argv(resolve(SHIPPED, Wanted(image="python"), nothing)) == (sys.executable,)


def test_an_image_nobody_knows_runs_its_own_command_if_there_is_one() -> None:
    wanted = Wanted(image="shop/cart", command=["cart"], args=["--fast"])
    assert resolve(SHIPPED, wanted, EVERYTHING) == Program(("cart", "--fast"), {})
    assert isinstance(resolve(SHIPPED, wanted, nothing), Unknown)


def test_otherwise_it_is_told_how_to_make_it_known() -> None:
    found = resolve(SHIPPED, Wanted(image="shop/cart:v1"), EVERYTHING)
    assert isinstance(found, Unknown)
    assert found.reason == "ErrImagePull"
    cure = found.message.partition("\n")[2]
    assert len(cure.splitlines()) == 3
    import yaml

    entries = entries_from(yaml.safe_load(cure), "event")
    cured = resolve(entries, Wanted(image="shop/cart:v1"), nothing)
    assert cured == Program(("/path/to/program",), {})


def test_a_name_that_is_none() -> None:
    found = resolve(SHIPPED, Wanted(image="Shop/Cart", command=["sh"]), EVERYTHING)
    assert isinstance(found, Unknown)
    assert found.reason == "InvalidImageName"


def test_an_image_without_a_command() -> None:
    found = resolve([Entry(patterns=("a",))], Wanted(image="a"), EVERYTHING)
    assert found == Unknown("CreateContainerError", "no command specified")


@pytest.mark.parametrize(
    ("pattern", "image", "matches"),
    [
        ("shop/*", "docker.io/shop/cart", True),
        ("shop/*", "ghcr.io/shop/cart", False),
        ("*/shop/*", "ghcr.io/shop/cart:v1", True),
        ("cart:v2", "cart:v2", True),
        ("cart:v*", "cart:v2", True),
        ("cart:v2", "cart:v1", False),
        ("cart:latest", "cart", True),
        ("cart", "shop/cart", False),
        ("registry:5000/cart", "registry:5000/cart:v1", True),
    ],
)
def test_patterns(pattern: str, image: str, matches: bool) -> None:
    assert Entry(patterns=(pattern,)).matches(parse_reference(image)) is matches


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, 'm: expected a list under "images"'),
        ({"images": ["redis"]}, r'm: images\[0\]: expected "image" and "command"'),
        ({"images": [{"image": "a", "comand": []}]}, r"m: images\[0\]: unknown field comand"),
        ({"images": [{"image": "a", "command": "sh"}]}, r"m: images\[0\].command: expected a list"),
        ({"images": [{"image": "a", "command": [{"x": 1}]}]}, "expected words, not"),
        ({"images": [{"image": "a", "env": []}]}, None),
        ({"images": [{"image": "a", "env": ["A"]}]}, r"images\[0\].env: expected names"),
        ({"images": [{"image": "a", "files": {"/a/b": "x"}}]}, None),
        ({"images": [{"image": "a", "files": {"/b": "x"}}]}, "expected absolute paths below"),
        ({"images": [{"image": "a", "files": {"a/b/c": "x"}}]}, "expected absolute paths below"),
    ],
)
def test_a_map_is_checked(document: object, words: str | None) -> None:
    if words is None:
        assert entries_from(document, "m")
        return
    with pytest.raises(BadImageMap, match=words):
        entries_from(document, "m")


def test_the_users_map_comes_first_and_is_read_again_when_it_changes(tmp_path: Path) -> None:
    user = tmp_path / "images.yaml"
    user.write_text("images:\n- image: redis\n  command: [my-redis]\n  env: {MODE: 1}\n")
    images = ImageMap(user)
    found = images.resolve(Wanted(image="redis:7"), EVERYTHING)
    assert found == Program(("my-redis",), {"MODE": "1"})
    assert argv(images.resolve(Wanted(image="busybox"), EVERYTHING)) == ("sh",)
    user.write_text("images:\n- image: redis\n  command: [other]\n")
    os.utime(user, ns=(1, 1))
    assert argv(images.resolve(Wanted(image="redis:7"), EVERYTHING)) == ("other",)


@pytest.mark.parametrize("content", [None, "images: [", "images: 5"])
def test_a_users_map_that_cannot_be_read_is_why_no_image_is_found(
    tmp_path: Path, content: str | None
) -> None:
    user = tmp_path / "images.yaml"
    if content is not None:
        user.write_text(content)
    found = ImageMap(user).resolve(Wanted(image="busybox"), EVERYTHING)
    assert isinstance(found, Unknown)
    assert found.reason == "ErrImagePull"
    assert str(user) in found.message


def test_the_map_that_ships_is_found() -> None:
    assert shipped_path().is_file()


def test_every_built_in_program_that_is_named_exists() -> None:
    from netemu.programs.__main__ import PROGRAMS

    named = {
        words[words.index(builtin("x")[-2]) + 1]
        for entry in SHIPPED
        for words in (entry.command, entry.fallback)
        if builtin("x")[-2] in words
    }
    assert named
    assert named <= set(PROGRAMS)


def test_what_files_an_image_brings() -> None:
    (entry,) = entries_from(
        {"images": [{"image": "site", "command": ["run"], "files": {"/srv/index": "x"}}]}, "m"
    )
    found = resolve([entry], Wanted(image="site:v1"), EVERYTHING)
    assert found == Program(("run",), {}, {"/srv/index": "x"})


def test_a_command_beside_a_container_is_as_its_image_has_it() -> None:
    images = ImageMap()
    agnhost = "registry.k8s.io/e2e-test-images/agnhost:2.53"
    found = images.called(agnhost, ("/agnhost", "connect", "web:80"))
    assert found[0] == sys.executable
    assert found[-2:] == ("connect", "web:80")
    assert "agnhost" in found
    assert images.called(agnhost, ("sh", "-c", "true")) == ("sh", "-c", "true")
    assert images.called("shop/cart", ("/agnhost", "connect")) == ("/agnhost", "connect")
    assert images.called("no image!", ("date",)) == ("date",)
