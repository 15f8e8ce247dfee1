"""ServiceAccount tokens: JSON Web Tokens (RFC 7519) signed with the instance's own key, ES256.

A token speaks for its account as long as it isn't over and what it is bound to is still there: the
account itself, and perhaps a pod, a Secret or a node (KEP-1205). Nothing is remembered but which
signatures were good, so a token lives on over a restart.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from netemu.api.request import CREDENTIAL_ID, User
from netemu.clock import Clock
from netemu.model.errors import NotFound
from netemu.model.meta import Object, name_of, namespace_of, uid_of
from netemu.model.resources import NODES, PODS, SECRETS, SERVICE_ACCOUNTS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ISSUER: Final = "https://kubernetes.default.svc.cluster.local"
AUDIENCE: Final = ISSUER
"""For whom a token is unless it says otherwise: the API itself."""
REMEMBERED: Final = 1024
"""Tokens whose signature needs no second look."""
SHORTEST: Final = 600
LONGEST: Final = 2**32
"""Seconds that a token may be asked for."""
_SIZE: Final = 32
"""Bytes of each half of an ES256 signature."""
_RESOURCES: Final = {"pod": PODS, "secret": SECRETS, "node": NODES}
_PREFIX: Final = "authentication.kubernetes.io/"

Lookup = Callable[[str, str, str], Object | None]
"""An object by resource, namespace and name."""


class TokenRefused(Exception):
    """The token speaks for nobody; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a token is to be."""

    seconds: int = 3600
    audiences: Sequence[str] = (AUDIENCE,)
    bound: Object | None = None
    """The pod, Secret or node whose end ends the token."""
    bound_kind: str = ""


class ServiceAccountTokens:
    """Issues and recognises tokens; `key` is read when it is first needed."""

    def __init__(self, lookup: Lookup, clock: Clock, key: Path) -> None:
        self._lookup = lookup
        self._clock = clock
        self._path = key
        self._good: OrderedDict[str, dict[str, Any]] = OrderedDict()

    @cached_property
    def _key(self) -> EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        return load_pem_private_key(self._path.read_bytes(), None)  # type: ignore[return-value] # EC

    @cached_property
    def _key_id(self) -> str:
        from hashlib import sha256

        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = self._key.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return _text(sha256(der).digest())

    def public_keys(self) -> dict[str, Any]:
        """The key set (RFC 7517) by which others can check tokens."""
        numbers = self._key.public_key().public_numbers()
        x, y = (_text(n.to_bytes(_SIZE, "big")) for n in (numbers.x, numbers.y))
        key = {"use": "sig", "kty": "EC", "kid": self._key_id, "crv": "P-256", "alg": "ES256"}
        return {"keys": [{**key, "x": x, "y": y}]}

    def issue(self, account: Object, wish: Wish = Wish()) -> tuple[str, float]:
        """A token for an account, and when it ends (seconds since the epoch)."""
        now = int(self._clock.now())
        kubernetes: dict[str, Any] = {"namespace": namespace_of(account)}
        if wish.bound is not None:
            kubernetes[wish.bound_kind.lower()] = _reference(wish.bound)
            node = (wish.bound.get("spec") or {}).get("nodeName")
            found = self._lookup(NODES, "", node) if wish.bound_kind == "Pod" and node else None
            if found is not None:
                kubernetes["node"] = _reference(found)
        kubernetes["serviceaccount"] = _reference(account)
        claims = {
            "aud": list(wish.audiences),
            "exp": now + wish.seconds,
            "iat": now,
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": kubernetes,
            "nbf": now,
            "sub": username(namespace_of(account), name_of(account)),
        }
        return self._signed(claims), float(now + wish.seconds)

    def _signed(self, claims: dict[str, Any]) -> str:
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        head = _text(msgspec.json.encode({"alg": "ES256", "kid": self._key_id}))
        content = f"{head}.{_text(msgspec.json.encode(claims))}"
        r, s = decode_dss_signature(self._key.sign(content.encode(), ECDSA(SHA256())))
        return f"{content}.{_text(r.to_bytes(_SIZE, 'big') + s.to_bytes(_SIZE, 'big'))}"

    def for_pod(self, pod: Object, source: Object) -> bytes | None:
        """The token that a ``serviceAccountToken`` of a projected volume asks for."""
        name = pod["spec"].get("serviceAccountName") or "default"
        account = self._lookup(SERVICE_ACCOUNTS, namespace_of(pod), name)
        if account is None:
            return None
        audience = source.get("audience")
        wish = Wish(
            seconds=int(source.get("expirationSeconds") or 3600),
            audiences=(audience,) if audience else (AUDIENCE,),
            bound=pod,
            bound_kind="Pod",
        )
        return self.issue(account, wish)[0].encode()

    def user(self, token: str, audiences: Sequence[str] = (AUDIENCE,)) -> tuple[User, list[str]]:
        """For whom a token speaks, and which of the audiences it is for. Raises TokenRefused."""
        claims = self._claims(token)
        self._check_time(claims)
        meant = [audience for audience in audiences if audience in claims["aud"]]
        if not meant:
            raise TokenRefused(f"token audiences {claims['aud']} is invalid for {list(audiences)}")
        return self._speaker(claims), meant

    def _check_time(self, claims: dict[str, Any]) -> None:
        now = self._clock.now()
        if now >= claims["exp"]:
            raise TokenRefused("service account token has expired")
        if now + 60 < claims["nbf"]:
            raise TokenRefused("service account token is not valid yet")

    def _speaker(self, claims: dict[str, Any]) -> User:
        bound = claims["kubernetes.io"]
        namespace, account = bound["namespace"], bound["serviceaccount"]
        found = self._lookup(SERVICE_ACCOUNTS, namespace, account["name"])
        if found is None or uid_of(found) != account["uid"]:
            raise TokenRefused("service account token has been invalidated")
        extra = {CREDENTIAL_ID: (f"JTI={claims['jti']}",)}
        for kind, resource in _RESOURCES.items():
            reference = bound.get(kind)
            if reference is None:
                continue
            self._check_bound(resource, namespace, reference, must="pod" not in bound)
            if kind != "secret":
                extra[f"{_PREFIX}{kind}-name"] = (reference["name"],)
                extra[f"{_PREFIX}{kind}-uid"] = (reference["uid"],)
        return User(
            claims["sub"],
            groups_of(namespace),
            uid=account["uid"],
            extra=dict(sorted(extra.items())),
        )

    def _check_bound(self, resource: str, namespace: str, reference: Object, *, must: bool) -> None:
        if resource == NODES and not must:
            return  # a pod's node is told, not required
        there = self._lookup(resource, "" if resource == NODES else namespace, reference["name"])
        if there is None or uid_of(there) != reference["uid"]:
            raise TokenRefused("service account token has been invalidated")

    def _claims(self, token: str) -> dict[str, Any]:
        found = self._good.get(token)
        if found is None:
            found = self._verified(token)
            self._good[token] = found
            if len(self._good) > REMEMBERED:
                self._good.popitem(last=False)
        return found

    def _verified(self, token: str) -> dict[str, Any]:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        content, _, last = token.rpartition(".")
        try:
            head, claims = (msgspec.json.decode(_bytes(part)) for part in content.split("."))
            signature = _bytes(last)
            if head["alg"] != "ES256" or len(signature) != 2 * _SIZE or claims["iss"] != ISSUER:
                raise TokenRefused("invalid bearer token")
            r, s = (int.from_bytes(half, "big") for half in (signature[:_SIZE], signature[_SIZE:]))
            der = encode_dss_signature(r, s)
            self._key.public_key().verify(der, content.encode(), ECDSA(SHA256()))
        except (ValueError, TypeError, KeyError, InvalidSignature) as error:
            raise TokenRefused("invalid bearer token") from error
        return dict(claims)


def username(namespace: str, name: str) -> str:
    """Who a ServiceAccount is to the API."""
    return f"system:serviceaccount:{namespace}:{name}"


def groups_of(namespace: str) -> tuple[str, ...]:
    """The groups of every account in a namespace."""
    accounts = "system:serviceaccounts"
    return (accounts, f"{accounts}:{namespace}", "system:authenticated")


def account_of(lookup: Lookup, namespace: str, name: str) -> Object:
    """An account. Raises NotFound."""
    found = lookup(SERVICE_ACCOUNTS, namespace, name)
    if found is None:
        raise NotFound(SERVICE_ACCOUNTS, name)
    return found


def _reference(obj: Object) -> Object:
    return {"name": name_of(obj), "uid": uid_of(obj)}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from None
