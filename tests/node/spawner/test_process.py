import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from netemu.config.images import builtin
from netemu.config.settings import NetMode
from netemu.node.runtime import Exited, Security, StartError
from netemu.node.spawner import process
from netemu.node.spawner.launch import Launched
from tests.support import forked, instance


@dataclass(frozen=True)
class Case:
    name: str
    argv: tuple[str, ...]
    text: str
    code: int
    cwd: str = "/"


CHDIR = (
    "OCI runtime create failed: runc create failed: unable to start container process: "
    'chdir to cwd ("/nowhere") set in config.json failed: no such file or directory: unknown'
)

REFUSALS = [
    Case("nothing in PATH", ("nope",), 'exec: "nope": executable file not found in $PATH', 127),
    Case(
        "no such file",
        ("/nope",),
        'exec: "/nope": stat /nope: no such file or directory',
        127,
    ),
    Case("not executable", ("/etc/passwd",), 'exec: "/etc/passwd": permission denied', 126),
    Case("a directory", ("/etc",), 'exec: "/etc": is a directory', 126),
    Case("no such working directory", ("true",), CHDIR, 128, cwd="/nowhere"),
]


def test_what_cannot_start_is_refused_as_runc_does(mode: NetMode) -> None:
    async def body(launched: Launched) -> list[tuple[str, int]]:
        await instance.add_pod(launched, "web")
        found = []
        for case in REFUSALS:
            with pytest.raises(StartError) as refusal:
                await instance.start(launched, "web", *case.argv, cwd=case.cwd)
            found.append((str(refusal.value), refusal.value.code))
        return found

    expected = [(case.text, case.code) for case in REFUSALS]
    assert instance.in_instance(mode, body) == expected


def test_a_file_of_no_known_format_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("no interpreter named\n")
    script.chmod(0o755)
    tmp_path.chmod(0o755)

    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        with pytest.raises(StartError) as refusal:
            await instance.start(launched, "web", str(script))
        return str(refusal.value)

    def here() -> str:
        return instance.launched(instance.settings(NetMode.LOOPBACK), body)

    assert forked.run(here) == f"exec {script}: exec format error"


def test_a_process_starts_with_nothing_inherited(mode: NetMode) -> None:
    """Its environment is what was given, its descriptors are 0 to 2, no signal is blocked."""
    script = "env; echo $(ls /proc/self/fd); grep -E 'Sig(Blk|Ign)' /proc/self/status; umask"

    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        environment = instance.PATH | {"GREETING": "hello world"}
        return await instance.shell(launched, "web", script, env=environment)

    text = instance.in_instance(mode, body)
    lines = set(text.splitlines())
    given = {f"PATH={instance.PATH['PATH']}", "GREETING=hello world"}
    own = {line for line in lines if "=" in line and not line.startswith(("PWD=", "NETEMU_POD="))}
    assert own == given
    assert {"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"} <= lines
    assert "0 1 2 3" in lines  # with the one by which ls reads them
    assert "0022" in lines


def test_without_a_path_programs_are_found_where_containerd_looks() -> None:
    async def body(launched: Launched) -> Exited:
        await instance.add_pod(launched, "web")
        return await (await instance.start(launched, "web", "true", env={})).wait()

    assert instance.in_instance(NetMode.LOOPBACK, body) == Exited(0)


ENDINGS = [
    ("exit 0", Exited(0)),
    ("exit 3", Exited(3)),
    ("kill -KILL $$; sleep 5", Exited(137, signal.SIGKILL)),
]


@pytest.mark.parametrize(("script", "ending"), ENDINGS)
def test_how_a_process_ends_is_told(script: str, ending: Exited) -> None:
    async def body(launched: Launched) -> tuple[Exited, Exited]:
        await instance.add_pod(launched, "web")
        process = await instance.start(launched, "web", "/bin/sh", "-c", script)
        return await process.wait(), await process.wait()

    assert instance.in_instance(NetMode.LOOPBACK, body) == (ending, ending)


def test_signals_reach_a_process_that_handles_them(mode: NetMode) -> None:
    async def body(launched: Launched) -> Exited:
        await instance.add_pod(launched, "web")
        reader, writer = os.pipe()
        script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"
        sleeper = await instance.start(launched, "web", "/bin/sh", "-c", script, stdout=writer)
        os.close(writer)
        os.read(reader, 10)  # the handler is in place
        os.close(reader)
        sleeper.signal(signal.SIGTERM)
        ended = await sleeper.wait()
        sleeper.signal(signal.SIGTERM)  # nothing happens
        return ended

    assert instance.in_instance(mode, body) == Exited(9)


def test_an_own_program_that_is_ended_at_once_ends() -> None:
    async def body(launched: Launched) -> list[Exited]:
        await instance.add_pod(launched, "web")
        found = []
        for _ in range(10):
            started = await instance.start(launched, "web", *builtin("pause"))
            started.signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                found.append(await started.wait())
        return found

    # The other modes are tried as nobody, who may not have this interpreter.
    mode = NetMode.ROOT if os.geteuid() == 0 else NetMode.LOOPBACK
    assert instance.in_instance(mode, body) == [Exited(0)] * 10


def test_only_own_programs_have_signals_held() -> None:
    assert process.held(builtin("echo")) == {signal.SIGTERM, signal.SIGINT}
    assert process.held(("python3", "-m", "netemu")) == set()


def test_large_arguments_and_environments_arrive() -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        environment = instance.PATH | {"LARGE": "x" * 100_000}
        return await instance.shell(launched, "web", "echo ${#LARGE} ${#0}", env=environment)

    assert instance.in_instance(NetMode.LOOPBACK, body).startswith("100000 ")


def test_arguments_beyond_the_limit_are_refused() -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        with pytest.raises(StartError) as refusal:
            await instance.start(launched, "web", "true", "x" * 17_000_000)
        return str(refusal.value)

    assert instance.in_instance(NetMode.LOOPBACK, body) == "exec true: argument list too long"


def test_a_report_comes_back_as_it_was_made() -> None:
    reader, writer = os.pipe()
    process.report(writer, StartError("it said: “no”", 126))
    os.close(writer)
    error = process.parse_report(os.read(reader, 1000))
    os.close(reader)
    assert (str(error), error.code) == ("it said: “no”", 126)


def test_the_first_executable_in_path_is_taken(tmp_path: Path) -> None:
    for folder, permissions in (("one", 0o644), ("two", 0o755), ("three", 0o755)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tool").touch(permissions)
    path = ":".join(str(tmp_path / folder) for folder in ("none", "one", "two", "three"))
    assert process.find("tool", path) == str(tmp_path / "two" / "tool")


def test_a_terminal_is_the_programs_own(mode: NetMode) -> None:
    async def body(launched: Launched) -> tuple[str, int]:
        await instance.add_pod(launched, "web")
        ours, theirs = os.openpty()
        script = "trap 'exit 7' INT; echo ready > /dev/tty; while :; do sleep 0.05; done"
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        started = await instance.start(launched, "web", "/bin/sh", "-c", script, **streams)
        os.close(theirs)
        said = os.read(ours, 100).decode()
        os.write(ours, b"\x03")
        return said, (await started.wait()).code

    assert instance.in_instance(mode, body) == ("ready\r\n", 7)


def test_a_process_is_who_it_should_be_as_far_as_that_is_possible(mode: NetMode) -> None:
    async def body(launched: Launched) -> list[str]:
        await instance.add_pod(launched, "web")
        script = "id -u; id -g; id -G; grep NoNewPrivs /proc/self/status; echo ok > /dev/stdout"
        other = Security(user=1234, group=2345, groups=(3456,), no_new_privileges=True)
        return (await instance.shell(launched, "web", script, security=other)).split()

    user, group, *groups = (told := instance.in_instance(mode, body))[:-3]
    assert told[-3:] == ["NoNewPrivs:", "1", "ok"]
    if mode is NetMode.ROOT:
        assert (user, group) == ("1234", "2345")
        assert {"2345", "3456"} <= set(groups)
    else:
        assert (user, group) != ("1234", "2345")
