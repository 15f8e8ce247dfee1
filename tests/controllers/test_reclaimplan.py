import pytest

from netemu.controllers.actions import Delete, Tell, Update, WriteStatus
from netemu.controllers.reclaimplan import Erase, VolumeSeen, is_ours, plan_volume
from netemu.model.meta import Object

FOLDER = "/home/volumes"


def volume(policy: str, phase: str, path: str = f"{FOLDER}/pvc-1", **metadata: object) -> Object:
    return {
        "metadata": {"name": "v", "finalizers": ["kubernetes.io/pv-protection"], **metadata},
        "spec": {
            "persistentVolumeReclaimPolicy": policy,
            "hostPath": {"path": path},
            "claimRef": {"namespace": "default", "name": "data", "uid": "gone"},
        },
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("obj", "steps"),
    [
        (volume("Delete", "Bound"), [WriteStatus]),
        (volume("Delete", "Released"), [Delete]),
        (volume("Delete", "Released", deletionTimestamp="x"), [Erase, Update]),
        (volume("Retain", "Released"), []),
        (volume("Retain", "Released", deletionTimestamp="x"), [Update]),
        (volume("Recycle", "Released"), [Erase, Update, Tell]),
        (volume("Delete", "Released", "/srv"), [WriteStatus, Tell]),
    ],
    ids=["released", "deleted", "erased", "kept", "kept and let go", "recycled", "not ours"],
)
def test_what_becomes_of_a_volume(obj: Object, steps: list[type]) -> None:
    found = plan_volume(VolumeSeen(volume=obj, claim=None, folder=FOLDER))
    assert [type(step) for step in found] == steps


@pytest.mark.parametrize(
    ("path", "folder", "ours"),
    [
        (f"{FOLDER}/a", FOLDER, True),
        (FOLDER, FOLDER, False),
        (f"{FOLDER}/a/b", FOLDER, False),
        (f"{FOLDER}/..", FOLDER, False),
        ("/a", "", False),
        ("", FOLDER, False),
    ],
)
def test_only_what_is_directly_in_our_folder_is_ours(path: str, folder: str, ours: bool) -> None:
    assert is_ours(volume("Delete", "Released", path), folder) is ours
