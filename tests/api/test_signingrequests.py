from netemu.api.request import User
from netemu.api.signingrequests import asked_by
from tests.support.api import ADMIN, Cluster

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
REQUEST = {
    "metadata": {"name": "c"},
    "spec": {
        "request": "LS0tLS1CRUdJTg==",
        "signerName": "example.com/signer",
        "usages": ["client auth"],
        "username": "somebody-else",
    },
}


def test_a_request_says_who_sent_it() -> None:
    user = User("anne", ("a", "b"), "u", {"x": ("y",)})
    found = asked_by({"spec": {"username": "me", "groups": ["system:masters"], "usages": []}}, user)
    assert found["spec"] == {
        "usages": [],
        "username": "anne",
        "uid": "u",
        "groups": ["a", "b"],
        "extra": {"x": ["y"]},
    }
    assert asked_by(found, None) == found
    assert asked_by({}, User("anne"))["spec"] == {"username": "anne"}


async def test_a_request_is_approved_through_its_own_subresource(cluster: Cluster) -> None:
    created = await cluster.json("POST", REQUESTS, REQUEST)
    assert created["spec"]["username"] == ADMIN.name
    condition = {"type": "Approved", "status": "True", "reason": "Test", "message": ""}
    approved = {**created, "status": {"conditions": [condition]}}
    found = await cluster.json("PUT", f"{REQUESTS}/c/approval", approved)
    assert found["status"]["conditions"][0]["type"] == "Approved"
    assert found["spec"] == created["spec"]
    again = await cluster.json("GET", f"{REQUESTS}/c/approval")
    assert again["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]
