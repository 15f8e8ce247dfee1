"""As whom containers run."""

import os
import sys
from typing import Any

import pytest

from netemu.node.environment import ConfigError
from netemu.node.pod import pod_from
from netemu.node.runtime import Security
from netemu.node.security import is_somebody_else, runnable, security_of
from tests.support.node import container, pod

OTHER = os.geteuid() + 1


def found(whole: Any, own: Any) -> Security:
    obj = pod(container(securityContext=own), securityContext=whole)
    return security_of(pod_from(obj), obj["spec"]["containers"][0])


def test_the_containers_word_counts_before_the_pods() -> None:
    whole = {"runAsUser": 1000, "runAsGroup": 2000, "fsGroup": 7, "supplementalGroups": [5]}
    own = {"runAsUser": 1001, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False}
    assert found(whole, own) == Security(
        user=1001, group=2000, groups=(5, 7), no_new_privileges=True, read_only_root=True
    )
    assert found({}, {}) == Security()


def test_root_is_refused_where_it_must_not_be() -> None:
    with pytest.raises(ConfigError, match="container's runAsUser breaks non-root policy"):
        found({"runAsNonRoot": True}, {"runAsUser": 0})
    assert found({"runAsNonRoot": True}, {}).user is None


def test_a_python_of_our_own_is_replaced_for_others() -> None:
    assert runnable([sys.executable, "x"], Security()) == (sys.executable, "x")
    assert runnable(["sh", "x"], Security(user=OTHER)) == ("sh", "x")
    assert runnable([sys.executable, "x"], Security(user=OTHER))[1] == "x"
    assert is_somebody_else(Security(user=OTHER))
    assert not is_somebody_else(Security(user=os.geteuid()))
