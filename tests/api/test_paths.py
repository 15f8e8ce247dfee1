import pytest

from netemu.api.paths import Target, target_of, watched
from netemu.model.resources import BY_KEY

PODS, NAMESPACES = BY_KEY["pods"], BY_KEY["namespaces"]
DEPLOYMENTS = BY_KEY["deployments.apps"]

CASES = [
    ("/api/v1/pods", Target(PODS, None)),
    ("/api/v1/namespaces/a/pods", Target(PODS, "a")),
    ("/api/v1/namespaces/a/pods/p", Target(PODS, "a", "p")),
    ("/api/v1/namespaces/a/pods/p/log", Target(PODS, "a", "p", "log")),
    ("/apis/apps/v1/namespaces/a/deployments/d/scale", Target(DEPLOYMENTS, "a", "d", "scale")),
    ("/api/v1/namespaces", Target(NAMESPACES, "")),
    ("/api/v1/namespaces/a", Target(NAMESPACES, "", "a")),
    ("/api/v1/namespaces/a/status", Target(NAMESPACES, "", "a", "status")),
    ("/api/v1/namespaces/a/finalize", Target(NAMESPACES, "", "a", "finalize")),
    ("/api/v1/nodes/n/status", Target(BY_KEY["nodes"], "", "n", "status")),
    ("/api/v1", None),
    ("/api/v2/pods", None),
    ("/apis/apps/v1/pods", None),
    ("/api/v1/pods/p", None),
    ("/api/v1/namespaces/a/nodes", None),
    ("/api/v1/namespaces/a/pods/p/nothing", None),
    ("/api/v1/namespaces/a/pods/p/log/more", None),
    ("/api/v1/namespaces//pods", None),
    ("/api/v1/namespaces/a/pods//log", None),
    ("", None),
    ("/version", None),
]


@pytest.mark.parametrize(("path", "target"), CASES)
def test_a_path_means_one_thing_or_nothing(path: str, target: Target | None) -> None:
    assert target_of(path) == target


def test_a_watch_has_an_old_form_of_path() -> None:
    assert watched("/api/v1/watch/pods") == target_of("/api/v1/pods")
    old = "/apis/apps/v1/watch/namespaces/a/deployments/d"
    assert watched(old) == target_of("/apis/apps/v1/namespaces/a/deployments/d")
    assert watched("/api/v1/pods") is watched("/api/v1/watch") is watched("/watch") is None
    assert watched("/api/v1/watch/namespaces/a/pods/p/log") is None


def test_a_target_knows_its_key_in_the_store() -> None:
    assert Target(PODS, "a", "p").key == ("a", "p")
    assert Target(NAMESPACES, "", "a").key == ("", "a")
