from pathlib import Path

from netemu.node import folders

HOME = Path("/home")


def test_all_that_a_pod_keeps_is_below_its_own_folder() -> None:
    pod = folders.pod_folder(HOME, "uid")
    inside = [
        folders.log_folder(HOME, "uid", "web"),
        folders.own_folder(HOME, "uid", "web"),
        folders.volume_folder(HOME, "uid"),
    ]
    assert all(pod in folder.parents for folder in inside)
    assert len(set(inside)) == 3
    assert folders.pod_folder(HOME, "") == pod.parent
