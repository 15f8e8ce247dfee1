from netemu.api.defaults import with_defaults
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY


def defaulted(resource: str, **fields: object) -> Object:
    obj: Object = {"metadata": {"name": "x"}, **fields}
    result = with_defaults(BY_KEY[resource], obj)
    assert with_defaults(BY_KEY[resource], result) == result
    return result


def test_a_volume_is_retained_and_a_file_system() -> None:
    found = defaulted("persistentvolumes", spec={"hostPath": {"path": "/x"}})
    assert found["spec"] == {
        "hostPath": {"path": "/x", "type": ""},
        "persistentVolumeReclaimPolicy": "Retain",
        "volumeMode": "Filesystem",
    }
    assert found["status"] == {"phase": "Pending"}


def test_a_claim_is_a_file_system() -> None:
    found = defaulted("persistentvolumeclaims", spec={})
    assert (found["spec"], found["status"]) == ({"volumeMode": "Filesystem"}, {"phase": "Pending"})


def test_a_class_deletes_and_binds_at_once() -> None:
    found = defaulted("storageclasses.storage.k8s.io", provisioner="p")
    assert (found["reclaimPolicy"], found["volumeBindingMode"]) == ("Delete", "Immediate")
