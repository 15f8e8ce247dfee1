import pytest

from netemu.api.defaults.images import pull_policy


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("localhost:5000/nginx", "Always"),
        ("localhost:5000/nginx:1", "IfNotPresent"),
        ("registry.k8s.io/pause:3.9", "IfNotPresent"),
        (f"nginx@sha256:{'0' * 64}", "IfNotPresent"),
        ("github/hoonImage", "IfNotPresent"),
        ("", "IfNotPresent"),
    ],
)
def test_only_latest_is_always_pulled(image: str, policy: str) -> None:
    assert pull_policy(image) == policy
