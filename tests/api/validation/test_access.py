import pytest

from netemu.api.validation import validate
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY

GROUP = "rbac.authorization.k8s.io"


def refusals(plural: str, obj: Object) -> list[str]:
    namespaced = not plural.startswith("cluster")
    metadata = {"name": "x", **({"namespace": "default"} if namespaced else {})}
    resource = BY_KEY[f"{plural}.{GROUP}"]
    found = validate(resource, {"metadata": metadata, **obj}, None)
    return [f"{cause.field}: {cause.message}" for cause in found]


URLS: Object = {"verbs": ["get"], "nonResourceURLs": ["/x"]}


@pytest.mark.parametrize(
    ("plural", "rule", "words"),
    [
        ("roles", URLS, "namespaced rules cannot apply to non-resource URLs"),
        (
            "clusterroles",
            {**URLS, "resources": ["pods"]},
            "rules cannot apply to both regular resources and non-resource URLs",
        ),
    ],
)
def test_urls_are_for_the_cluster_and_stand_alone(plural: str, rule: Object, words: str) -> None:
    (refusal,) = refusals(plural, {"rules": [rule]})
    assert refusal == f'rules[0].nonResourceURLs: Invalid value: []string{{"/x"}}: {words}'


def test_rules_say_what_of_which_group() -> None:
    assert refusals("clusterroles", {"rules": [URLS]}) == []
    assert refusals("roles", {"rules": [{"verbs": ["get"]}]}) == [
        "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        "rules[0].resources: Required value: resource rules must supply at least one resource",
    ]


def not_supported(field: str, value: str, *supported: str) -> str:
    shown = ", ".join(f'"{item}"' for item in supported)
    return f'subjects[0].{field}: Unsupported value: "{value}": supported values: {shown}'


@pytest.mark.parametrize(
    ("plural", "kind", "words"),
    [
        ("rolebindings", "ServiceAccount", []),
        ("clusterrolebindings", "ServiceAccount", ["subjects[0].namespace: Required value"]),
        ("rolebindings", "User", [not_supported("apiGroup", "", GROUP)]),
        (
            "rolebindings",
            "Robot",
            [not_supported("kind", "Robot", "ServiceAccount", "User", "Group")],
        ),
    ],
)
def test_subjects(plural: str, kind: str, words: list[str]) -> None:
    reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "r"}
    subjects = [{"kind": kind, "name": "a"}]
    assert refusals(plural, {"roleRef": reference, "subjects": subjects}) == words
