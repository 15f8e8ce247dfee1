from typing import Any, NamedTuple

import pytest

from netemu.model.names import dns_label
from tests.support.objects import a_container, a_pod, created, refusals

AT = "spec.volumes[0]"
MODE = "must be a number between 0 and 0777 (octal), both inclusive"


class Case(NamedTuple):
    name: str
    volume: dict[str, Any]
    refusals: list[str]


CASES = [
    Case("nothing said", {}, []),
    Case("nameless", {"name": ""}, [f"{AT}.name: Required value"]),
    Case("ill named", {"name": "A"}, [f'{AT}.name: Invalid value: "A": {dns_label("A")[0]}']),
    Case(
        "two sources",
        {"emptyDir": {}, "configMap": {"name": "c"}},
        [f"{AT}.configMap: Forbidden: may not specify more than 1 volume type"],
    ),
    Case(
        "less than empty",
        {"emptyDir": {"sizeLimit": "-1"}},
        [f"{AT}.emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity"],
    ),
    Case("no secret", {"secret": {}}, [f"{AT}.secret.secretName: Required value"]),
    Case("no config map", {"configMap": {}}, [f"{AT}.configMap.name: Required value"]),
    Case("no path", {"hostPath": {}}, [f"{AT}.hostPath.path: Required value"]),
    Case(
        "a path that leads out",
        {"hostPath": {"path": "/a/../b", "type": "Link"}},
        [
            f"{AT}.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
            (
                f'{AT}.hostPath.type: Unsupported value: "Link": supported values: "", '
                '"BlockDevice", '
                '"CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"'
            ),
        ],
    ),
    Case(
        "files",
        {
            "configMap": {
                "name": "c",
                "defaultMode": 512,
                "items": [{"key": "a", "path": "/a"}, {"path": "..b", "mode": -1}],
            }
        },
        [
            f"{AT}.configMap.defaultMode: Invalid value: 512: {MODE}",
            f'{AT}.configMap.items[0].path: Invalid value: "/a": must be a relative path',
            f"{AT}.configMap.items[1].key: Required value",
            f"{AT}.configMap.items[1].path: Invalid value: \"..b\": must not start with '..'",
            f"{AT}.configMap.items[1].mode: Invalid value: -1: {MODE}",
        ],
    ),
    Case(
        "about the pod",
        {
            "downwardAPI": {
                "items": [
                    {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                    {"path": "cpu", "resourceFieldRef": {"resource": "limits.cpu"}},
                    {"path": "none"},
                ]
            }
        },
        [
            f"{AT}.downwardAPI.resourceFieldRef.containerName: Required value",
            f"{AT}.downwardAPI: Required value: one of fieldRef and resourceFieldRef is required",
        ],
    ),
    Case(
        "projected",
        {
            "projected": {
                "sources": [
                    {"secret": {"name": "s", "items": [{"key": "a", "path": "a"}]}},
                    {"configMap": {"name": "c", "items": [{"key": "a", "path": "a"}]}},
                    {"serviceAccountToken": {"expirationSeconds": 5}},
                    {"secret": {"name": "s"}, "configMap": {"name": "c"}},
                ]
            }
        },
        [
            f'{AT}.projected: Invalid value: "c": conflicting duplicate paths',
            (
                f"{AT}.projected.sources[2].serviceAccountToken.expirationSeconds: Invalid "
                "value: 5: "
                "may not specify a duration less than 10 minutes"
            ),
            f"{AT}.projected.path: Required value",
            (
                f"{AT}.projected.sources[3]: Forbidden: may not specify more than 1 volume "
                "type per "
                "source"
            ),
        ],
    ),
    Case(
        "of a kind that netemu doesn't mount",
        {"nfs": {"server": "s", "path": "x"}},
        [f'{AT}.nfs.path: Invalid value: "x": must be an absolute path'],
    ),
    Case(
        "claimed by nobody",
        {"persistentVolumeClaim": {}},
        [f"{AT}.persistentVolumeClaim.claimName: Required value"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_volume(case: Case) -> None:
    pod = created("pods", a_pod(volumes=[{"name": "v", **case.volume}]))
    assert refusals("pods", pod) == case.refusals


def test_names_are_unique() -> None:
    assert refusals("pods", created("pods", a_pod(volumes=[{"name": "v"}, {"name": "v"}]))) == [
        'spec.volumes[1].name: Duplicate value: "v"'
    ]


def test_mounts() -> None:
    mounts = [
        {"name": "v", "mountPath": "/a", "subPath": "x/y"},
        {"name": "w", "mountPath": "/a"},
        {"name": "v", "mountPath": "/b", "subPath": "../x", "subPathExpr": "$(A)"},
        {},
    ]
    pod = a_container(volumeMounts=mounts)
    pod["spec"]["volumes"] = [{"name": "v"}]
    at = "spec.containers[0].volumeMounts"
    assert refusals("pods", created("pods", pod)) == [
        f'{at}[1].name: Not found: "w"',
        f'{at}[1].mountPath: Invalid value: "/a": must be unique',
        f"{at}.subPath: Invalid value: \"../x\": must not contain '..'",
        (
            f'{at}[2].subPathExpr: Invalid value: "$(A)": subPathExpr and subPath are mutually '
            "exclusive"
        ),
        f"{at}[3].name: Required value",
        f'{at}[3].name: Not found: ""',
        f"{at}[3].mountPath: Required value",
    ]
