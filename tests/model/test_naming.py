"""Names of custom kinds: who has them, who waits."""

from typing import Any

from netemu.model.meta import Object
from netemu.model.naming import judged


def definition(plural: str = "as", kind: str = "A", **more: Any) -> Object:
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    return {
        "metadata": {"name": f"{plural}.g.example"},
        "spec": {"group": "g.example", "names": {**names, **more}},
    }


def said(status: Object) -> dict[str, tuple[str, str, str]]:
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in status["conditions"]}


def test_free_names_are_given() -> None:
    one = definition(shortNames=["x"], categories=["all"])
    status = judged(one, [], 0)
    assert status["acceptedNames"] == one["spec"]["names"]
    assert said(status) == {
        "NamesAccepted": ("True", "NoConflicts", "no conflicts found"),
        "Established": ("True", "InitialNamesAccepted", "the initial names have been accepted"),
    }


def test_names_that_are_taken_are_waited_for() -> None:
    one = definition(shortNames=["x"])
    one["status"] = judged(one, [], 0)
    other = definition("bs", "A", shortNames=["x"])
    status = judged(other, [one], 0)
    assert status["acceptedNames"] == {"plural": "bs"}
    assert said(status) == {
        "NamesAccepted": ("False", "ListKindConflict", '"AList" is already in use'),
        "Established": ("False", "NotAccepted", "not all names are accepted"),
    }
    assert said(judged({**other, "status": status}, [], 0))["Established"][0] == "True"


def test_short_names_conflict_too() -> None:
    one = definition(shortNames=["x", "y"])
    one["status"] = judged(one, [], 0)
    status = judged(definition("bs", "B", shortNames=["x", "y"]), [one], 0)
    assert said(status)["NamesAccepted"] == (
        "False",
        "ShortNamesConflict",
        '["x" is already in use, "y" is already in use]',
    )
    assert "shortNames" not in status["acceptedNames"]


def test_what_is_served_stays_so() -> None:
    one = definition()
    one["status"] = judged(one, [], 0)
    other = definition("bs", "B")
    other["status"] = judged(other, [one], 0)
    names = {**other["spec"]["names"], "singular": "a"}
    changed = {**other, "spec": {"group": "g.example", "names": names}}
    status = judged(changed, [one], 0)
    assert said(status)["NamesAccepted"][1] == "SingularConflict"
    assert said(status)["Established"][0] == "True"
    assert status["acceptedNames"]["singular"] == "b"


def test_another_group_has_names_of_its_own() -> None:
    one = definition()
    one["status"] = judged(one, [], 0)
    other = {**definition(), "metadata": {"name": "as.h.example"}}
    other["spec"] = {**other["spec"], "group": "h.example"}
    assert said(judged(other, [one], 0))["NamesAccepted"][0] == "True"


def test_groups_of_the_community_say_whether_they_are_approved() -> None:
    one = definition()
    one["spec"]["group"] = "g.k8s.io"
    for annotation, expected in (
        ("https://a.example", ("True", "ApprovedAnnotation", "approved in https://a.example")),
        ("unapproved, x", ("False", "UnapprovedAnnotation", 'not approved: "unapproved, x"')),
    ):
        one["metadata"]["annotations"] = {"api-approved.kubernetes.io": annotation}
        assert said(judged(one, [], 0))["KubernetesAPIApprovalPolicyConformant"] == expected
