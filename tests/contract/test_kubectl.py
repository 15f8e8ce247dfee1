"""Every kubectl there is, against a real instance: exit codes and output of what users type.

That of the version which netemu reports runs with all the other tests; the others are slow together
and have a target of their own (``make test-slow``).
"""

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from netemu.testing import Instance, instance
from tests.contract.chapters import CHAPTERS
from tests.contract.step import Step
from tests.support.kubectls import kubectls, versions

pytestmark = [pytest.mark.contract, pytest.mark.timeout(240)]

SECONDS = 60
"""How long a command may take on a busy machine."""
DISRUPTIVE = {"nodes"}
"""Chapters that change what all namespaces share; they run last."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Instance]:
    with instance("kubectl-matrix") as made:
        yield made


class Runner:
    """One kubectl in one namespace."""

    def __init__(self, cluster: Instance, minor: int, namespace: str) -> None:
        self.minor = minor
        self.namespace = namespace
        self._command = [kubectls()[minor], f"--namespace={namespace}"]
        cache = cluster.state_dir / f"cache-{minor}"
        self._env = {**os.environ, **cluster.env, "KUBECACHEDIR": str(cache), "HOME": str(cache)}

    def problem(self, step: Step) -> str:
        """What isn't as it should be, "" if all is."""
        words = [self._filled(word) for word in step.words]
        done = subprocess.run(
            [*self._command, *words],
            input=self._filled(step.stdin),
            env={**self._env, **step.env},
            text=True,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        fine = (
            done.returncode == step.code
            and re.search(self._filled(step.out), done.stdout, re.MULTILINE)
            and re.search(self._filled(step.err), done.stderr, re.MULTILINE)
        )
        shown = f"$ kubectl {step.line}\n{done.stdout}{done.stderr}rc={done.returncode}"
        return "" if fine else shown

    def _filled(self, text: str) -> str:
        return text.replace("{namespace}", self.namespace)


@pytest.mark.parametrize("chapter", sorted(CHAPTERS, key=lambda name: name in DISRUPTIVE))
@pytest.mark.parametrize("minor", versions())
def test_commands(cluster: Instance, minor: int, chapter: str) -> None:
    namespace = f"{chapter}-{minor}"
    cluster.kubectl("create", "namespace", namespace)
    runner = Runner(cluster, minor, namespace)
    steps = [step for step in CHAPTERS[chapter] if step.since <= minor < step.before]
    problems = [problem for step in steps if (problem := runner.problem(step))]
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")
    assert problems == [], "\n\n".join(problems)


def test_chapters_have_commands_for_every_version() -> None:
    for minor in kubectls():
        for steps in CHAPTERS.values():
            assert any(step.since <= minor < step.before for step in steps)
