"""ServiceAccount tokens."""

import base64
import json
from typing import Any

import pytest

from netemu.api.tokens import AUDIENCE, ISSUER, ServiceAccountTokens, TokenRefused, Wish
from netemu.model.meta import Object
from tests.support.api import Cluster, token_key
from tests.support.clock import FakeClock

ACCOUNT: Object = {"metadata": {"name": "bot", "namespace": "default", "uid": "u1"}}
POD: Object = {
    "metadata": {"name": "p", "namespace": "default", "uid": "u2"},
    "spec": {"serviceAccountName": "bot"},
}


class World:
    """Objects, and a clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.objects = {
            ("serviceaccounts", "default", "bot"): ACCOUNT,
            ("pods", "default", "p"): POD,
        }
        self.tokens = ServiceAccountTokens(self.lookup, self.clock, token_key())

    def lookup(self, resource: str, namespace: str, name: str) -> Object | None:
        return self.objects.get((resource, namespace, name))


def claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_token_speaks_for_its_account() -> None:
    world = World()
    token, ends = world.tokens.issue(ACCOUNT, Wish(seconds=700))
    user, audiences = world.tokens.user(token)
    assert user.name == "system:serviceaccount:default:bot"
    assert user.groups == (
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    )
    assert (user.uid, audiences) == ("u1", [AUDIENCE])
    assert ends == int(world.clock.now()) + 700


def test_what_it_claims_is_what_clusters_claim() -> None:
    world = World()
    token, _ = world.tokens.issue(ACCOUNT, Wish(bound=POD, bound_kind="Pod"))
    said = claims(token)
    assert said["sub"] == "system:serviceaccount:default:bot"
    assert said["iss"] == said["aud"][0] == "https://kubernetes.default.svc.cluster.local"
    assert said["kubernetes.io"] == {
        "namespace": "default",
        "pod": {"name": "p", "uid": "u2"},
        "serviceaccount": {"name": "bot", "uid": "u1"},
    }
    user, _ = world.tokens.user(token)
    assert user.extra["authentication.kubernetes.io/pod-name"] == ("p",)


async def test_it_ends_in_time() -> None:
    world = World()
    token, _ = world.tokens.issue(ACCOUNT, Wish(seconds=600))
    world.tokens.user(token)
    await world.clock.advance(601)
    with pytest.raises(TokenRefused, match="expired"):
        world.tokens.user(token)


@pytest.mark.parametrize("gone", ["serviceaccounts", "pods"])
def test_it_ends_with_what_it_is_bound_to(gone: str) -> None:
    world = World()
    token, _ = world.tokens.issue(ACCOUNT, Wish(bound=POD, bound_kind="Pod"))
    world.objects = {key: obj for key, obj in world.objects.items() if key[0] != gone}
    with pytest.raises(TokenRefused, match="invalidated"):
        world.tokens.user(token)


def test_an_account_of_the_same_name_is_another() -> None:
    world = World()
    token, _ = world.tokens.issue(ACCOUNT)
    again = {"metadata": {**ACCOUNT["metadata"], "uid": "u9"}}
    world.objects["serviceaccounts", "default", "bot"] = again
    with pytest.raises(TokenRefused):
        world.tokens.user(token)


def test_it_is_good_for_its_audience_only() -> None:
    world = World()
    token, _ = world.tokens.issue(ACCOUNT, Wish(audiences=("vault",)))
    with pytest.raises(TokenRefused, match="audiences"):
        world.tokens.user(token)
    _, audiences = world.tokens.user(token, ("vault", "other"))
    assert audiences == ["vault"]


def test_whoever_changes_it_breaks_it() -> None:
    world = World()
    token, _ = world.tokens.issue(ACCOUNT)
    head, body, signature = token.split(".")
    said = {**claims(token), "sub": "system:serviceaccount:kube-system:admin"}
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    for bad in (f"{head}.{forged}.{signature}", f"{head}.{body}.AAAA", "x", "a.b.c", "..", ""):
        with pytest.raises(TokenRefused, match="invalid bearer token"):
            world.tokens.user(bad)


def test_pods_get_what_their_volumes_ask_for() -> None:
    world = World()
    token = world.tokens.for_pod(POD, {"audience": "vault", "expirationSeconds": 900})
    assert token is not None
    said = claims(token.decode())
    assert said["aud"] == ["vault"]
    assert said["exp"] - said["iat"] == 900
    assert said["kubernetes.io"]["pod"]["uid"] == "u2"
    stranger = {**POD, "spec": {"serviceAccountName": "nobody"}}
    assert world.tokens.for_pod(stranger, {}) is None


async def test_others_can_check_a_token_by_the_published_keys(cluster: Cluster) -> None:

    from cryptography.hazmat.primitives.asymmetric.ec import (
        ECDSA,
        SECP256R1,
        EllipticCurvePublicNumbers,
    )
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    def number(text: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")

    home = "/api/v1/namespaces/default/serviceaccounts"
    await cluster.json("POST", home, {"metadata": {"name": "a"}})
    made = await cluster.json("POST", f"{home}/a/token", {"spec": {}})
    said = await cluster.json("GET", "/.well-known/openid-configuration")
    assert said["issuer"] == ISSUER
    assert said["jwks_uri"].endswith("/openid/v1/jwks")
    (key,) = (await cluster.json("GET", "/openid/v1/jwks"))["keys"]
    public = EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), SECP256R1())
    content, _, signature = made["status"]["token"].rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    pair = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    signed = encode_dss_signature(*pair)
    public.public_key().verify(signed, content.encode(), ECDSA(SHA256()))
