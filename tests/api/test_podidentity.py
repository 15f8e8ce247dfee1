"""Which account a pod has, and how its programs get at the token."""

import pytest

from netemu.api.podidentity import MOUNT_PATH, admitted
from netemu.model.errors import Forbidden
from netemu.model.meta import Object

ACCOUNT: Object = {"metadata": {"name": "default", "namespace": "default"}}


def pod(**spec: object) -> Object:
    containers = [{"name": "c", "image": "x"}]
    metadata = {"name": "p", "namespace": "default"}
    return {"metadata": metadata, "spec": {"containers": containers, **spec}}


def test_the_token_is_mounted_where_clients_look() -> None:
    spec = admitted(pod(initContainers=[{"name": "i"}]), ACCOUNT, "abcde")["spec"]
    (volume,) = spec["volumes"]
    assert volume["name"] == "kube-api-access-abcde"
    assert [next(iter(source)) for source in volume["projected"]["sources"]] == [
        "serviceAccountToken",
        "configMap",
        "downwardAPI",
    ]
    mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
    assert spec["containers"][0]["volumeMounts"] == [mount]
    assert spec["initContainers"][0]["volumeMounts"] == [mount]


@pytest.mark.parametrize(
    ("in_pod", "in_account", "mounted"),
    [
        (None, None, True),
        (False, None, False),
        (None, False, False),
        (True, False, True),
        (False, True, False),
    ],
)
def test_pod_then_account_say_whether(
    in_pod: bool | None, in_account: bool | None, mounted: bool
) -> None:
    def wish(said: bool | None) -> Object:
        return {} if said is None else {"automountServiceAccountToken": said}

    spec = admitted(pod(**wish(in_pod)), {**ACCOUNT, **wish(in_account)}, "x")["spec"]
    assert ("volumes" in spec) is mounted


def test_what_is_mounted_there_already_stays() -> None:
    mounts = [{"name": "own", "mountPath": MOUNT_PATH}]
    given = pod(containers=[{"name": "c", "volumeMounts": mounts}])
    assert admitted(given, ACCOUNT, "x") is given


def test_twice_changes_nothing() -> None:
    once = admitted(pod(), ACCOUNT, "x")
    assert admitted(once, ACCOUNT, "y") is once


def test_the_accounts_pull_secrets_are_the_pods() -> None:
    account = {**ACCOUNT, "imagePullSecrets": [{"name": "s"}]}
    assert admitted(pod(), account, "x")["spec"]["imagePullSecrets"] == [{"name": "s"}]


def test_an_account_must_be_there() -> None:
    with pytest.raises(Forbidden) as refused:
        admitted(pod(serviceAccountName="bot"), None, "x")
    assert refused.value.message == (
        'pods "p" is forbidden: error looking up service account default/bot: serviceaccount "bot" '
        "not found"
    )
    admitted(pod(), None, "x")  # the default one is on its way
