"""A running netemu, driven through its command line as a user would."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

COMMAND_SECONDS = 60.0
"""How long any one command may take."""
POLL_SECONDS = 0.01
NETEMU = (sys.executable, "-m", "netemu")


class TimedOut(AssertionError):
    """Something didn't become true in time; the message says what was last seen."""


@dataclass
class Instance:
    """One instance; `netemu` and `kubectl` run against it."""

    name: str
    state_dir: Path
    options: Sequence[str] = ()
    """More options for ``up``."""
    command: Sequence[str] = NETEMU
    """How to run netemu."""
    wrapper: Sequence[str] = ()
    """What every command is run by, such as ``nsenter -t PID -n``."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What ``netemu status -o json`` said once it was ready."""

    @property
    def env(self) -> dict[str, str]:
        """The environment that `netemu env` prints, with this process' own."""
        return {
            **os.environ,
            "NETEMU_NAME": self.name,
            "NETEMU_STATE_DIR": str(self.state_dir),
            "KUBECONFIG": str(self.state_dir / self.name / "kubeconfig"),
            # kubectl keeps what it discovered by host and port; instances share neither.
            "KUBECACHEDIR": str(self.state_dir / "kubectl-cache"),
        }

    def run(
        self, *argv: str, input: str | None = None, check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run any command in that environment. Raises CalledProcessError, with its stderr told."""
        done = subprocess.run(
            (*self.wrapper, *argv),
            input=input,
            env=self.env,
            text=True,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(argv)} ended with {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def netemu(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a netemu command."""
        return self.run(*self.command, *words, check=check)

    def kubectl(self, *words: str, input: str | None = None) -> str:
        """Run kubectl; what it printed."""
        return self.run("kubectl", *words, input=input).stdout

    def apply(self, manifest: str) -> str:
        """Apply a manifest given as text."""
        return self.kubectl("apply", "-f", "-", input=manifest)

    def get(self, *what: str) -> Any:
        """An object or a list of them, as kubectl names it."""
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    def exec(
        self, *argv: str, place: str = "", check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command inside the cluster's network, at ``pod:NS/NAME`` or ``node:NAME``."""
        where = ("--from", place) if place else ()
        return self.netemu("exec", *where, "--", *argv, check=check)

    def wait_for(
        self, probe: Callable[[], T], *, seconds: float = 30.0, what: str = "the condition"
    ) -> T:
        """Call `probe` until it gives something true, and give that. Raises TimedOut.

        An AssertionError or OSError inside counts as "not yet".
        """
        end = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < end:
            try:
                value = probe()
            except (AssertionError, OSError, KeyError) as error:
                last = error
            else:
                if value:
                    return value
                last = value
            time.sleep(POLL_SECONDS)
        raise TimedOut(f"{what} did not come true in {seconds} s; last seen: {last!r}")

    def up(self) -> None:
        """Start it, and wait until it is ready."""
        self.netemu("up", "--detach", *self.options)
        self.facts = json.loads(self.netemu("status", "-o", "json").stdout)

    def down(self, *options: str) -> None:
        """Stop it."""
        self.netemu("down", *options)

    def kill(self) -> None:
        """End the daemon as a power cut would."""
        os.kill(self.facts["pid"], signal.SIGKILL)
        self.wait_for(lambda: not Path(f"/proc/{self.facts['pid']}").exists(), what="the kill")


@contextmanager
def instance(
    name: str = "test",
    *,
    options: Sequence[str] = (),
    command: Sequence[str] = NETEMU,
    wrapper: Sequence[str] = (),
    state_dir: Path | None = None,
) -> Iterator[Instance]:
    """An instance of its own, by default in a folder of its own; it is purged afterwards."""
    with ExitStack() as stack:
        if state_dir is None:
            temporary = tempfile.TemporaryDirectory(prefix="netemu-", ignore_cleanup_errors=True)
            state_dir = Path(stack.enter_context(temporary))
        if "--config" not in options:
            # Tests ask nobody outside: names that aren't the cluster's are refused.
            config = Path(stack.enter_context(tempfile.NamedTemporaryFile(suffix=".yaml")).name)
            config.write_text('dns: {forward: ""}\n')
            options = [*options, "--config", str(config)]
        made = Instance(name, state_dir, options, command, wrapper)
        stack.callback(made.netemu, "down", "--purge", check=False)
        made.up()
        yield made
