"""sig-storage, the part about a pod's own volumes, row by row of the catalogue."""

import base64
from typing import Any

import pytest

from tests.support.rows import RefusedError, Space, agnhost, sh

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DATA = {"data-1": "value-1", "data-2": "value-2", "data-3": "value-3"}
SOURCES = ["configMap", "secret", "projected configMap", "projected secret"]
EACH = pytest.mark.parametrize("source", SOURCES)


def stored(space: Space, source: str, name: str = "d", **more: str) -> None:
    """The object that a volume shows."""
    data = {**DATA, **more}
    if "secret" in source:
        data = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    space.create(kind_of(source), {"metadata": {"name": name}, "data": data})


def kind_of(source: str) -> str:
    return "secrets" if "secret" in source else "configmaps"


def volume(source: str, name: str = "d", mode: int | None = None, **fields: Any) -> Any:
    """A volume ``v``; `mode` is its defaultMode."""
    kind = source.removeprefix("projected ")
    modes = {} if mode is None else {"defaultMode": mode}
    if source.startswith("projected"):
        return {"name": "v", "projected": {"sources": [{kind: {"name": name, **fields}}], **modes}}
    key = "secretName" if kind == "secret" else "name"
    return {"name": "v", kind: {key: name, **fields, **modes}}


MOUNT: Any = {"volumeMounts": [{"name": "v", "mountPath": "/etc/v"}]}


def told(space: Space, *flags: str, volumes: Any, mount: Any = None, **spec: Any) -> str:
    """What mounttest says of a pod's volume."""
    container = agnhost("mounttest", *flags, **(mount or MOUNT))
    return space.output("p", container, volumes=volumes, **spec)


@EACH
def test_17_content(space: Space, source: str) -> None:
    stored(space, source)
    said = told(space, "--file_content=/etc/v/data-1", volumes=[volume(source)])
    assert 'content of file "/etc/v/data-1": value-1' in said


@EACH
def test_17_default_mode(space: Space, source: str) -> None:
    stored(space, source)
    flags = ["--file_content=/etc/v/data-1", "--file_mode=/etc/v/..data/data-1"]
    said = told(space, *flags, volumes=[volume(source, mode=0o400)])
    assert 'mode of file "/etc/v/..data/data-1": -r--------' in said


@EACH
def test_17_mappings_and_their_modes(space: Space, source: str) -> None:
    stored(space, source)
    items = [{"key": "data-2", "path": "path/to/data-2", "mode": 0o400}]
    path = "/etc/v/path/to/data-2"
    said = told(
        space,
        f"--file_content={path}",
        f"--file_mode={path}",
        volumes=[volume(source, items=items)],
    )
    assert f'content of file "{path}": value-2' in said
    assert f'mode of file "{path}": -r--------' in said


@EACH
@pytest.mark.parametrize("group", [None, 1001])
def test_17_as_somebody_else(space: Space, source: str, group: int | None) -> None:
    stored(space, source)
    context = {"runAsUser": 1000} | ({} if group is None else {"fsGroup": group})
    said = told(
        space,
        "--file_content=/etc/v/data-1",
        volumes=[volume(source, mode=0o440 if group else None)],
        securityContext=context,
    )
    assert 'content of file "/etc/v/data-1": value-1' in said


@EACH
def test_17_in_several_volumes(space: Space, source: str) -> None:
    stored(space, source)
    mount = {"volumeMounts": [{"name": n, "mountPath": f"/etc/{n}"} for n in ("v", "w")]}
    volumes = [volume(source), volume(source) | {"name": "w"}]
    said = told(space, "--file_content=/etc/v/data-1,/etc/w/data-1", volumes=volumes, mount=mount)
    assert said.count("value-1") == 2


@EACH
def test_17_updates_arrive(space: Space, source: str) -> None:
    stored(space, source)
    space.pod("p", sh("exec sleep 1000", **MOUNT), volumes=[volume(source)])
    space.wait_ready("p")
    assert space.exec("p", "cat /etc/v/data-1") == "value-1"
    new = base64.b64encode(b"new").decode() if "secret" in source else "new"
    space.patch(kind_of(source), "d", {"data": {"data-1": new}})
    space.wait(lambda: space.exec("p", "cat /etc/v/data-1") == "new", "the update")


@EACH
def test_17_optional_updates_arrive(space: Space, source: str) -> None:
    stored(space, source, "gone")
    volumes = [
        volume(source, "gone", optional=True),
        volume(source, "comes", optional=True) | {"name": "w"},
    ]
    mounts = [{"name": n, "mountPath": f"/etc/{n}"} for n in ("v", "w")]
    space.pod("p", sh("exec sleep 1000", volumeMounts=mounts), volumes=volumes)
    space.wait_ready("p")
    space.delete(kind_of(source), "gone")
    stored(space, source, "comes")
    space.wait(
        lambda: space.exec("p", "ls /etc/v | wc -l; cat /etc/w/data-1") == "0\nvalue-1",
        "both updates",
    )


@EACH
def test_17_what_is_missing_is_waited_for(space: Space, source: str) -> None:
    space.pod("p", sh("exec sleep 1000", **MOUNT), volumes=[volume(source)])
    space.wait(lambda: space.events("p", "FailedMount"), "the event")
    stored(space, source)
    space.wait_ready("p")


def test_17_1_config_map_volumes(space: Space) -> None:
    """Beside the cases above: binary data."""
    data = {
        "data": {"text": "hello"},
        "binaryData": {"dump": base64.b64encode(b"\xde\xca").decode()},
    }
    space.create("configmaps", {"metadata": {"name": "d"}, **data})
    script = "cat /etc/v/text; od -An -tx1 /etc/v/dump"
    said = space.output("p", sh(script, **MOUNT), volumes=[volume("configMap")])
    assert said.split() == ["hello", "de", "ca"]


def immutable(space: Space, plural: str, value: str) -> None:
    space.create(plural, {"metadata": {"name": "d"}, "data": {"k": value}})
    space.patch(plural, "d", {"data": {"k": "dGhyZWU="}})
    space.patch(plural, "d", {"immutable": True})
    for change in ({"data": {"k": "dHdv"}}, {"immutable": False}, {"data": {"l": "dHdv"}}):
        with pytest.raises(RefusedError) as refused:
            space.patch(plural, "d", change)
        assert "field is immutable when `immutable` is set" in refused.value.message
    space.patch(plural, "d", {"metadata": {"labels": {"a": "b"}}})
    space.delete(plural, "d")


def test_17_2_immutable_config_maps(space: Space) -> None:
    immutable(space, "configmaps", "b25l")


def test_17_3_secret_volumes(space: Space) -> None:
    """Beside the cases above: the same name in another namespace is another Secret."""
    stored(space, "secret")
    other = f"{space.name}-other"
    space.api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": other}})
    theirs = {"metadata": {"name": "d"}, "data": {"data-1": base64.b64encode(b"theirs").decode()}}
    space.api.ask("POST", f"/api/v1/namespaces/{other}/secrets", theirs)
    said = told(space, "--file_content=/etc/v/data-1", volumes=[volume("secret")])
    assert "value-1" in said
    space.api.ask("DELETE", f"/api/v1/namespaces/{other}")


def test_17_4_immutable_secrets(space: Space) -> None:
    immutable(space, "secrets", "b25l")


def field(path: str, name: str) -> Any:
    return {"path": name, "fieldRef": {"fieldPath": path}}


def amount(resource: str, name: str, **more: Any) -> Any:
    source = {"containerName": "c", "resource": resource, **more}
    return {"path": name, "resourceFieldRef": source}


def test_17_5_all_in_one_projected_volume(space: Space) -> None:
    stored(space, "configMap")
    stored(space, "secret", "s", **{"secret-data": "hidden"})
    sources = [
        {"configMap": {"name": "d", "items": [{"key": "data-1", "path": "c"}]}},
        {"secret": {"name": "s", "items": [{"key": "secret-data", "path": "s"}]}},
        {"downwardAPI": {"items": [field("metadata.name", "podname")]}},
    ]
    volumes = [{"name": "v", "projected": {"sources": sources}}]
    said = told(space, "--file_content=/etc/v/c,/etc/v/s,/etc/v/podname", volumes=volumes)
    assert [line.rpartition(" ")[2] for line in said.splitlines() if line] == [
        "value-1",
        "hidden",
        "p",
    ]


DOWNWARD = ["downwardAPI", "projected"]


def downward(kind: str, *items: Any, **more: Any) -> Any:
    if kind == "projected":
        sources = [{"downwardAPI": {"items": list(items)}}]
        return {"name": "v", "projected": {"sources": sources, **more}}
    return {"name": "v", "downwardAPI": {"items": list(items), **more}}


@pytest.mark.parametrize("kind", DOWNWARD)
def test_17_6_name_and_modes(space: Space, kind: str) -> None:
    item = field("metadata.name", "podname") | {"mode": 0o400}
    flags = ["--file_mode=/etc/v/podname", "--file_content=/etc/v/podname"]
    said = told(space, *flags, volumes=[downward(kind, item)])
    assert 'mode of file "/etc/v/podname": -r--------' in said
    assert 'content of file "/etc/v/podname": p' in said


@pytest.mark.parametrize("kind", DOWNWARD)
def test_17_6_default_mode(space: Space, kind: str) -> None:
    volumes = [downward(kind, field("metadata.name", "podname"), defaultMode=0o400)]
    said = told(space, "--file_mode=/etc/v/..data/podname", volumes=volumes)
    assert "-r--------" in said


@pytest.mark.parametrize("kind", DOWNWARD)
def test_17_6_labels_and_annotations_are_updated(space: Space, kind: str) -> None:
    items = [field("metadata.labels", "labels"), field("metadata.annotations", "annotations")]
    space.pod(
        "p", sh("exec sleep 1000", **MOUNT), labels={"k": "1"}, volumes=[downward(kind, *items)]
    )
    space.wait_ready("p")
    assert space.exec("p", "cat /etc/v/labels") == 'k="1"'
    change = {"labels": {"k": "2"}, "annotations": {"builder": "foo"}}
    space.patch("pods", "p", {"metadata": change})
    space.wait(
        lambda: space.exec("p", "cat /etc/v/labels /etc/v/annotations") == 'k="2"builder="foo"',
        "the update",
    )


@pytest.mark.parametrize("kind", DOWNWARD)
def test_17_6_cpu_and_memory(space: Space, kind: str) -> None:
    resources = {
        "requests": {"cpu": "250m", "memory": "32Mi"},
        "limits": {"cpu": "1250m", "memory": "64Mi"},
    }
    items = [
        amount("limits.cpu", "a"),
        amount("limits.memory", "b"),
        amount("requests.cpu", "c", divisor="1m"),
        amount("requests.memory", "d"),
    ]
    container = sh(
        "cd /etc/v; for f in a b c d; do cat $f; echo; done", resources=resources, **MOUNT
    )
    said = space.output("p", container, volumes=[downward(kind, *items)])
    assert said.split() == ["2", "67108864", "250", "33554432"]


@pytest.mark.parametrize("kind", DOWNWARD)
def test_17_6_without_limits_the_nodes_allocatable(space: Space, kind: str) -> None:
    items = [amount("limits.cpu", "a"), amount("limits.memory", "b")]
    container = sh("cd /etc/v; cat a; echo; cat b", **MOUNT)
    cpu, memory = space.output("p", container, volumes=[downward(kind, *items)]).split()
    node = space.get("nodes", space.get("pods", "p")["spec"]["nodeName"])
    assert cpu == node["status"]["allocatable"]["cpu"]
    assert int(memory) > 0


MEDIA = pytest.mark.parametrize("medium", ["", "Memory"])


def empty(medium: str) -> Any:
    return [{"name": "v", "emptyDir": {"medium": medium}}]


@MEDIA
def test_17_7_mode_of_the_volume(space: Space, medium: str) -> None:
    flags = ["--fs_type=/etc/v", "--file_perm=/etc/v"]
    said = told(space, *flags, volumes=empty(medium))
    assert 'perms of file "/etc/v": -rwxrwxrwx' in said
    assert ('mount type of "/etc/v": tmpfs' in said) is (medium == "Memory")


@MEDIA
@pytest.mark.parametrize("mode", ["0644", "0666", "0777"])
@pytest.mark.parametrize("user", [0, 1001])
def test_17_7_files_of_users_and_modes(space: Space, medium: str, mode: str, user: int) -> None:
    letters = {"0644": "-rw-r--r--", "0666": "-rw-rw-rw-", "0777": "-rwxrwxrwx"}[mode]
    path = "/etc/v/test-file"
    flags = [f"--new_file_{mode}={path}", f"--file_perm={path}", f"--file_owner={path}"]
    context = {"runAsUser": user} if user else {}
    said = told(space, *flags, volumes=empty(medium), securityContext=context)
    assert f'perms of file "{path}": {letters}' in said
    if space.knows_users:
        assert f'owner UID of "{path}": {user}' in said


def test_17_7_files_belong_to_the_pods_group(space: Space) -> None:
    path = "/etc/v/test-file"
    flags = [f"--new_file_0644={path}", f"--file_owner={path}"]
    context = {"runAsUser": 1001, "fsGroup": 123}
    said = told(space, *flags, volumes=empty(""), securityContext=context)
    assert (f'owner GID of "{path}": 123' in said) is space.knows_users


def test_17_8_shared_between_containers(space: Space) -> None:
    script = "until cat /etc/v/f 2>/dev/null; do sleep 0.1; done; exec sleep 1000"
    writer = sh("echo hello > /etc/v/f; exec sleep 1000", "w", **MOUNT)
    space.pod("p", sh(script, **MOUNT), writer, volumes=empty(""))
    space.wait(lambda: space.logs("p", "c") == "hello\n", "the file")


def test_17_9_several_wrapped_volumes(space: Space) -> None:
    stored(space, "configMap")
    stored(space, "secret", "s")
    mounts = [{"name": n, "mountPath": f"/etc/{n}"} for n in ("v", "w")]
    volumes = [volume("configMap"), volume("secret", "s") | {"name": "w"}]
    said = space.output(
        "p", sh("cat /etc/v/data-1 /etc/w/data-2", volumeMounts=mounts), volumes=volumes
    )
    assert said == "value-1value-2"


def test_17_9_many_at_once(space: Space) -> None:
    names = [f"d{number}" for number in range(20)]
    for name in names:
        stored(space, "configMap", name)
    mounts = [{"name": n, "mountPath": f"/etc/{n}"} for n in names]
    volumes = [volume("configMap", n) | {"name": n} for n in names]
    for number in range(3):
        space.pod(f"p{number}", sh("exec sleep 1000", volumeMounts=mounts), volumes=volumes)
    space.wait_ready("p0", "p1", "p2")


@pytest.mark.parametrize("source", ["configMap", "secret", "projected configMap"])
def test_17_10_sub_paths(space: Space, source: str) -> None:
    stored(space, source)
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/file", "subPath": "data-1"}]}
    said = told(space, "--file_content=/file", volumes=[volume(source)], mount=mount)
    assert 'content of file "/file": value-1' in said


def test_17_10_a_sub_path_of_the_downward_api(space: Space) -> None:
    volumes = [downward("downwardAPI", field("metadata.name", "downward/podname"))]
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/dir", "subPath": "downward"}]}
    said = told(space, "--file_content=/dir/podname", volumes=volumes, mount=mount)
    assert 'content of file "/dir/podname": p' in said


def test_17_10_a_sub_path_over_a_file(space: Space) -> None:
    stored(space, "configMap")
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/etc/resolv.conf", "subPath": "data-1"}]}
    said = told(
        space, "--file_content=/etc/resolv.conf", volumes=[volume("configMap")], mount=mount
    )
    assert "value-1" in said
