from tests.support.objects import changed, created, named, refusals

REVISIONS = "controllerrevisions.apps"


def test_a_revision_has_data_that_stays() -> None:
    fine = created(REVISIONS, named("web-1", data={"spec": {}}, revision=1))
    assert refusals(REVISIONS, fine) == []
    assert refusals(REVISIONS, changed(fine, "revision", 2), fine) == []
    assert refusals(REVISIONS, changed(fine, "data", {"spec": 1}), fine) == [
        "data: Forbidden: field is immutable"
    ]
    assert refusals(REVISIONS, named("web-1", revision=-1)) == [
        "data: Required value: data is mandatory",
        "revision: Invalid value: -1: must be greater than or equal to 0",
    ]
