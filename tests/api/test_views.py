from netemu.api import views
from netemu.model.resources import BY_KEY
from netemu.store.base import Record


def test_built_in_kinds_are_shown_as_they_are_stored() -> None:
    pods = BY_KEY["pods"]
    record = Record("pods", ("", "x"), 1, {"apiVersion": "v1"}, b"raw")
    assert views.is_stored_so(pods)
    assert views.raw(pods, record) == b"raw"
    assert views.shown(pods, record.obj) is record.obj
