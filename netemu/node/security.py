"""As whom a container's processes run: securityContext, of the container before the pod's."""

import os
import shutil
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from netemu.model.meta import Object
from netemu.node.environment import ConfigError
from netemu.node.pod import Pod
from netemu.node.runtime import Security

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
"""Where every user finds programs."""


def security_of(pod: Pod, container: Object) -> Security:
    """What a container asks for. Raises ConfigError where it may not run so."""
    whole = pod.obj["spec"].get("securityContext") or {}
    own = {**whole, **(container.get("securityContext") or {})}
    user = own.get("runAsUser")
    if own.get("runAsNonRoot") and user == 0:
        raise ConfigError(
            f"container's runAsUser breaks non-root policy (pod: "
            f'"{pod.full_name}", container: {container["name"]})'
        )
    groups = [*(whole.get("supplementalGroups") or ())]
    if whole.get("fsGroup") is not None:
        groups.append(whole["fsGroup"])
    return Security(
        user=user,
        group=own.get("runAsGroup"),
        groups=tuple(groups),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False,
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
    )


def is_somebody_else(security: Security) -> bool:
    """Whether processes run as another user than the daemon."""
    return security.user not in (None, os.geteuid())


def runnable(argv: Sequence[str], security: Security) -> tuple[str, ...]:
    """The command, with a Python that the user can reach where ours is only ours."""
    if argv[0] == sys.executable and is_somebody_else(security) and not _open_to_all(argv[0]):
        return (shutil.which("python3", path=SYSTEM_PATH) or argv[0], *argv[1:])
    return tuple(argv)


def _open_to_all(path: str) -> bool:
    """Whether anybody may look into every folder that leads to a file."""
    folders = Path(path).resolve().parents
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)
