"""Acting as somebody else: the ``Impersonate-*`` headers (apiserver's impersonation filter).

Whoever asks needs the verb ``impersonate`` for the user and for each group, uid and extra value.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from netemu.api.rbac import Attributes
from netemu.api.request import Headers, User
from netemu.model.errors import InternalError

_PREFIX: Final = "impersonate-"
_EXTRA: Final = _PREFIX + "extra-"
_AUTHENTICATION: Final = "authentication.k8s.io"
_ACCOUNT: Final = "system:serviceaccount:"
ANONYMOUS: Final = "system:anonymous"
AUTHENTICATED: Final = "system:authenticated"
UNAUTHENTICATED: Final = "system:unauthenticated"

Check = Callable[[User, Attributes], None]
"""Raises Forbidden unless the user may do it."""


@dataclass(slots=True)
class _Asked:
    """Whom the headers name."""

    name: str = ""
    uid: str = ""
    groups: list[str] = field(default_factory=list)
    extra: dict[str, list[str]] = field(default_factory=dict)


def acting(user: User, headers: Headers, check: Check) -> User:
    """For whom a request counts. Raises Forbidden, InternalError for a group without a user."""
    asked = _asked(headers)
    if asked is None:
        return user
    if not asked.name:
        raise InternalError("requested groups, a uid or extra values without impersonating a user")
    for wanted in _wanted(asked):
        check(user, wanted)
    extra = {name: tuple(values) for name, values in asked.extra.items()}
    return User(asked.name, tuple(_groups(asked)), asked.uid, extra)


def _asked(headers: Headers) -> _Asked | None:
    found: _Asked | None = None
    for given, value in headers:
        name = given.lower()
        if not name.startswith(_PREFIX):
            continue
        found = found or _Asked()
        if name == "impersonate-user":
            found.name = value
        elif name == "impersonate-uid":
            found.uid = value
        elif name == "impersonate-group":
            found.groups.append(value)
        elif name.startswith(_EXTRA):
            found.extra.setdefault(unquote(name.removeprefix(_EXTRA)), []).append(value)
    return found


def _wanted(asked: _Asked) -> Iterator[Attributes]:
    namespace, _, account = asked.name.removeprefix(_ACCOUNT).partition(":")
    if asked.name.startswith(_ACCOUNT) and account:
        yield _attributes("serviceaccounts", account, namespace=namespace)
    else:
        yield _attributes("users", asked.name)
    for group in asked.groups:
        yield _attributes("groups", group)
    if asked.uid:
        yield _attributes("uids", asked.uid, group=_AUTHENTICATION)
    for name, values in asked.extra.items():
        for value in values:
            yield _attributes("userextras", value, group=_AUTHENTICATION, subresource=name)


def _attributes(
    resource: str, name: str, *, group: str = "", subresource: str = "", namespace: str = ""
) -> Attributes:
    return Attributes(
        verb="impersonate",
        group=group,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )


def _groups(asked: _Asked) -> Iterator[str]:
    """The groups that were named, or those that an account has; and the one that all are in."""
    groups = list(asked.groups)
    if not groups and asked.name.startswith(_ACCOUNT):
        namespace = asked.name.removeprefix(_ACCOUNT).partition(":")[0]
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    yield from groups
    own = UNAUTHENTICATED if asked.name == ANONYMOUS else AUTHENTICATED
    if own not in groups and not (own == AUTHENTICATED and UNAUTHENTICATED in groups):
        yield own
