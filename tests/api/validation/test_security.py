from typing import Any, NamedTuple

import pytest

from netemu.api.validation.field import Path
from netemu.api.validation.security import container_security, pod_security
from tests.support.objects import a_container, a_pod, created, refusals, told

RANGE = "must be between 0 and 4294967295, inclusive"


def test_ids_are_32_bit_numbers() -> None:
    at = Path("sc")
    assert told(pod_security({"runAsUser": 0, "fsGroup": 4294967295}, at)) == []
    assert told(container_security({"runAsUser": 0, "runAsGroup": 4294967296}, at)) == [
        f"sc.runAsGroup: Invalid value: 4294967296: {RANGE}"
    ]
    assert told(pod_security({"fsGroup": -1, "supplementalGroups": [1, -2]}, at)) == [
        f"sc.fsGroup: Invalid value: -1: {RANGE}",
        f"sc.supplementalGroups[1]: Invalid value: -2: {RANGE}",
    ]


def test_groups_are_changed_always_or_when_needed() -> None:
    assert told(pod_security({"fsGroupChangePolicy": "Never"}, Path("sc"))) == [
        (
            'sc.fsGroupChangePolicy: Unsupported value: "Never": supported values: "Always", '
            '"OnRootMismatch"'
        )
    ]


def test_sysctls_have_names() -> None:
    names = ["kernel.shm_rmid_forced", "net/ipv4/ip_forward", "foo-", "bar..", ""]
    context = {"sysctls": [{"name": name, "value": "1"} for name in names]}
    rule = (
        "must have at most 253 characters and match regex "
        r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
    )
    assert told(pod_security(context, Path("sc"))) == [
        f'sc.sysctls[2].name: Invalid value: "foo-": {rule}',
        f'sc.sysctls[3].name: Invalid value: "bar..": {rule}',
        "sc.sysctls[4].name: Required value",
    ]


class Case(NamedTuple):
    name: str
    pod: Any
    refusals: list[str]


SYSCTL = (
    "must have at most 253 characters and match regex "
    r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
)
POD, CONTAINER = "spec.securityContext", "spec.containers[0].securityContext"
NO_MORE = (
    f"{CONTAINER}: Invalid value: core.SecurityContext{{…}}: cannot set "
    "`allowPrivilegeEscalation` to false and"
)
CASES = [
    Case("what is usual", a_container(securityContext={"privileged": True, "runAsUser": 0}), []),
    Case(
        "processes of two kinds",
        a_pod(shareProcessNamespace=True, hostPID=True),
        [
            (
                f"{POD}.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and "
                "HostPID cannot both be enabled"
            )
        ],
    ),
    Case(
        "sysctls",
        a_pod(securityContext={"sysctls": [{"name": n} for n in ("a.b", "", "A", "a.b", "c/d")]}),
        [
            f"{POD}.sysctls[1].name: Required value",
            f'{POD}.sysctls[2].name: Invalid value: "A": {SYSCTL}',
            f'{POD}.sysctls[3].name: Duplicate value: "a.b"',
        ],
    ),
    Case(
        "profiles",
        a_pod(securityContext={"seccompProfile": {"type": "Localhost"}}),
        [
            (
                f"{POD}.seccompProfile.localhostProfile: Required value: must be set when seccomp "
                "type is Localhost"
            )
        ],
    ),
    Case(
        "no profile",
        a_container(securityContext={"seccompProfile": {"type": "Mine", "localhostProfile": "a"}}),
        [
            (
                f'{CONTAINER}.seccompProfile.type: Unsupported value: "Mine": supported values: '
                '"Localhost", "RuntimeDefault", "Unconfined"'
            ),
            (
                f"{CONTAINER}.seccompProfile.localhostProfile: Invalid value: "
                "core.SeccompProfile{…}: can only be set when seccomp type is Localhost"
            ),
        ],
    ),
    Case(
        "more and no more",
        a_container(
            securityContext={
                "privileged": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"add": ["CAP_SYS_ADMIN"]},
            }
        ),
        [f"{NO_MORE} `privileged` to true", f"{NO_MORE} `capabilities.Add` CAP_SYS_ADMIN"],
    ),
    Case(
        "another system",
        a_pod(os={"name": "beos"}),
        ['spec.os: Unsupported value: "beos": supported values: "linux", "windows"'],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pods(case: Case) -> None:
    assert refusals("pods", created("pods", case.pod)) == case.refusals
