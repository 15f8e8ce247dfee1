"""Where in the instance's folder a pod keeps what it has on disk."""

from pathlib import Path


def pod_folder(home: Path, uid: str) -> Path:
    """Where everything of one pod is kept."""
    return home / "pods" / uid


def log_folder(home: Path, uid: str, container: str) -> Path:
    """Where a container's logs are kept."""
    return pod_folder(home, uid) / container


def own_folder(home: Path, uid: str, container: str) -> Path:
    """A folder for the container to write to; it goes with the pod."""
    return log_folder(home, uid, container) / "home"


def volume_folder(home: Path, uid: str) -> Path:
    """Where the volumes are that go with the pod; no container can be called like that."""
    return pod_folder(home, uid) / ".volumes"
