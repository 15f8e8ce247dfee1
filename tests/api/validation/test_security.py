from netemu.api.validation.field import Path
from netemu.api.validation.security import container_security, pod_security
from tests.support.objects import told

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
