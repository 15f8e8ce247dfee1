"""``netemu watch``: a folder's manifests are what is there."""

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netemu.testing import Instance, instance

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: {namespace}}}
data: {{x: "{value}"}}
"""
NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: later}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Instance]:
    with instance("watched") as made:
        yield made


def config(name: str, value: str = "1", namespace: str = "default") -> str:
    return CONFIG.format(name=name, value=value, namespace=namespace)


class Watch:
    """A running ``netemu watch`` and what it has said."""

    def __init__(self, cluster: Instance, process: "subprocess.Popen[str]") -> None:
        self.cluster, self.process = cluster, process
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def says(self, words: str) -> None:
        self.cluster.wait_for(
            lambda: any(words in line for line in self.lines), what=f"{words!r} in {self.lines}"
        )


@contextmanager
def watching(cluster: Instance, folder: Path, *words: str) -> Iterator[Watch]:
    process = subprocess.Popen(
        [*cluster.command, "watch", "--every", "0.1", *words, str(folder)],
        env={**cluster.env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Watch(cluster, process)
    finally:
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=20)[1]
    assert process.returncode == 0
    assert "Traceback" not in errors


def names(cluster: Instance) -> set[str]:
    found = cluster.get("configmaps")["items"]
    return {each["metadata"]["name"] for each in found} - {"kube-root-ca.crt"}


def test_files_that_come_change_and_go(cluster: Instance, tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yml"
    first.write_text(config("a") + "---" + config("b"))
    (tmp_path / "notes.txt").write_text("no manifest")
    with watching(cluster, tmp_path) as watch:
        watch.says("configmap/b created")
        second.write_text(config("c"))
        watch.says("configmap/c created")
        first.write_text(config("a", "2"))
        watch.says("configmap/a configured")
        watch.says("configmap/b pruned")
        assert names(cluster) == {"a", "c"}
        second.rename(tmp_path / "third.yaml")
        first.unlink()
        watch.says("configmap/a pruned")
        assert names(cluster) == {"c"}, "the file was only renamed"
    assert names(cluster) == {"c"}, "objects outlive the watch"
    lines = [line for line in watch.lines if "configmap/" in line]
    assert len(lines) == len(set(lines)) == 6
    cluster.kubectl("delete", "configmap", "c")


def test_a_mistake_is_told_once_and_heals(cluster: Instance, tmp_path: Path) -> None:
    path = tmp_path / "app.yaml"
    path.write_text(config("kept"))
    with watching(cluster, tmp_path) as watch:
        watch.says("configmap/kept created")
        path.write_text(config("kept") + "---\nkind: [")
        watch.says("is not YAML")
        path.write_text(config("kept") + "---" + config("early", namespace="later"))
        watch.says("error: " + str(path) + ': configmap/early: namespaces "later" not found')
        (tmp_path / "namespace.yaml").write_text(NAMESPACE)
        watch.says("namespace/later created")
        watch.says("configmap/early created")
        assert names(cluster) == {"kept"}, "no mistake prunes anything"
        assert sum("not found" in line for line in watch.lines) == 1
        path.unlink()
        watch.says("configmap/early pruned")
    cluster.kubectl("delete", "namespace", "later")


def test_folders_in_the_folder_only_if_asked(cluster: Instance, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.json").write_text(
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "deep"}}'
    )
    (tmp_path / "top.yaml").write_text(config("top"))
    with watching(cluster, tmp_path) as watch:
        watch.says("configmap/top created")
    assert "deep" not in names(cluster)
    with watching(cluster, tmp_path, "--recursive") as watch:
        watch.says("configmap/deep created")
    cluster.kubectl("delete", "configmap", "deep", "top")


def test_exit_codes(tmp_path: Path) -> None:
    command = Instance("none", tmp_path).command
    for words, code in (
        (["watch", "--state-dir", str(tmp_path), str(tmp_path)], 3),
        (["watch", str(tmp_path / "nothing")], 2),
    ):
        done = subprocess.run([*command, *words], capture_output=True, check=False)
        assert done.returncode == code
