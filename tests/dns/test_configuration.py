import logging

import pytest

from netemu.dns.configuration import FILE_SECONDS, Configurer
from netemu.dns.records import name_from
from netemu.dns.world import World
from netemu.model.latest import Latest
from netemu.tasks import task_group
from tests.support.clock import FakeClock, settle

HOSTS = ". {\n hosts /etc/hosts\n}"


class Files:
    def __init__(self, **content: str) -> None:
        self.content = content

    def read(self, path: str) -> str:
        return self.content[path.rpartition("/")[2]]


def ttl(configurer: Configurer) -> int:
    kubernetes = configurer.latest.value.blocks[0].kubernetes
    assert kubernetes is not None
    return kubernetes.domains[0].ttl


def named(configurer: Configurer) -> tuple[str, ...]:
    return configurer.latest.value.blocks[0].named


def corefile(ttl: int) -> str:
    return f". {{\n kubernetes cluster.local {{\n ttl {ttl}\n }}\n}}"


async def test_a_text_is_in_force_as_soon_as_it_comes() -> None:
    texts, configurer = Latest(corefile(1)), Configurer(World(), corefile(1), None)
    async with task_group() as tasks:
        tasks.start(configurer.follow_text(texts), name="texts")
        await settle()
        texts.replace(corefile(2))
        await settle()
        assert ttl(configurer) == 2


async def test_the_first_text_of_the_cluster_counts_too() -> None:
    texts, configurer = Latest(corefile(2)), Configurer(World(), corefile(1), None)
    async with task_group() as tasks:
        tasks.start(configurer.follow_text(texts), name="texts")
        await settle()
        assert ttl(configurer) == 2


async def test_a_bad_text_changes_nothing_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, str]] = []
    configurer = Configurer(World(), corefile(1), lambda *words: told.append(words))
    before = configurer.latest.value
    with caplog.at_level(logging.ERROR):
        configurer.use(". {\n foo\n}")
    assert configurer.latest.value is before
    ((reason, message),) = told
    assert reason == "BadCorefile"
    assert message.startswith('Corefile:2: unknown plugin "foo"')
    assert message.endswith("the last Corefile stays in force")
    assert message in caplog.text
    configurer.use(corefile(3))
    assert (ttl(configurer), configurer.failed) == (3, 1)


async def test_files_are_followed() -> None:
    clock, files = FakeClock(), Files(hosts="10.0.0.1 a")
    configurer = Configurer(World(read=files.read), HOSTS, None)
    async with task_group() as tasks:
        tasks.start(configurer.follow_files(clock), name="files")
        before = configurer.latest.value
        await clock.advance(FILE_SECONDS + 1)
        assert configurer.latest.value is before
        files.content["hosts"] = "10.0.0.2 a"
        await clock.advance(FILE_SECONDS)
        hosts = configurer.latest.value.blocks[0].hosts
        assert hosts is not None
        assert hosts.addresses == {name_from("a"): ("10.0.0.2",)}


async def test_a_bad_file_is_told_once_and_mended_when_it_is() -> None:
    clock, told = FakeClock(), list[str]()
    files = {"/etc/more": "errors"}
    world = World(read=lambda path: files[path], paths=lambda path: [path] * (path in files))
    text = ". {\n import /etc/more\n}"
    configurer = Configurer(world, text, lambda _, message: told.append(message))
    async with task_group() as tasks:
        tasks.start(configurer.follow_files(clock), name="files")
        files["/etc/more"] = "nonsense"
        await clock.advance(3 * FILE_SECONDS + 1)
        assert (len(told), configurer.failed) == (1, 1)
        files["/etc/more"] = "loop"
        await clock.advance(FILE_SECONDS)
        assert named(configurer) == ("loop",)


async def test_files_that_a_pattern_fits_come_and_go() -> None:
    clock, files = FakeClock(), dict[str, str]()

    def read(path: str) -> str:
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return files[path]

    world = World(read=read, paths=lambda _: sorted(files))
    configurer = Configurer(world, ". {\n errors\n import /x/*\n}", None)
    async with task_group() as tasks:
        tasks.start(configurer.follow_files(clock), name="files")
        files["/x/a"] = "loop"
        await clock.advance(FILE_SECONDS + 1)
        assert named(configurer) == ("errors", "loop")
        del files["/x/a"]
        await clock.advance(FILE_SECONDS)
        assert named(configurer) == ("errors",)
