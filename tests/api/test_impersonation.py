"""Acting as somebody else."""

from typing import NamedTuple

import pytest

from netemu.api.impersonation import acting
from netemu.api.rbac import Attributes, forbidden
from netemu.api.request import User
from netemu.model.errors import Forbidden, InternalError

ADMIN = User("admin", ("system:masters",))


def anybody(user: User, wanted: Attributes) -> None:
    """Everything is allowed."""


class Case(NamedTuple):
    name: str
    headers: list[tuple[str, str]]
    user: User


ACCOUNT = "system:serviceaccount:a:b"
CASES = [
    Case("nobody else", [("Accept", "x")], ADMIN),
    Case("a user", [("Impersonate-User", "bob")], User("bob", ("system:authenticated",))),
    Case(
        "a user of groups",
        [("impersonate-user", "bob"), ("Impersonate-Group", "x"), ("Impersonate-Group", "y")],
        User("bob", ("x", "y", "system:authenticated")),
    ),
    Case(
        "an account",
        [("Impersonate-User", ACCOUNT)],
        User(
            ACCOUNT,
            ("system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"),
        ),
    ),
    Case(
        "a stranger",
        [("Impersonate-User", "system:anonymous")],
        User("system:anonymous", ("system:unauthenticated",)),
    ),
    Case(
        "all there is to say",
        [
            ("Impersonate-User", "bob"),
            ("Impersonate-Uid", "7"),
            ("Impersonate-Extra-acme.com%2Fteam", "net"),
            ("Impersonate-Extra-acme.com%2Fteam", "ops"),
        ],
        User("bob", ("system:authenticated",), "7", {"acme.com/team": ("net", "ops")}),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_who_a_request_counts_for(case: Case) -> None:
    assert acting(ADMIN, case.headers, anybody) == case.user


def test_each_part_needs_its_permission() -> None:
    asked: list[Attributes] = []
    headers = [*CASES[2].headers, *CASES[5].headers[1:]]
    acting(ADMIN, headers, lambda user, wanted: asked.append(wanted))
    assert [(a.group, a.full_resource, a.name) for a in asked] == [
        ("", "users", "bob"),
        ("", "groups", "x"),
        ("", "groups", "y"),
        ("authentication.k8s.io", "uids", "7"),
        ("authentication.k8s.io", "userextras/acme.com/team", "net"),
        ("authentication.k8s.io", "userextras/acme.com/team", "ops"),
    ]
    assert {a.verb for a in asked} == {"impersonate"}


def test_who_may_not_is_told_so() -> None:
    def nobody(user: User, wanted: Attributes) -> None:
        raise forbidden(user, wanted)

    with pytest.raises(Forbidden) as refused:
        acting(User("eve"), [("Impersonate-User", ACCOUNT)], nobody)
    assert refused.value.message == (
        'serviceaccounts "b" is forbidden: User "eve" cannot impersonate resource '
        '"serviceaccounts" in API group "" in the namespace "a"'
    )


def test_groups_alone_are_nobody() -> None:
    with pytest.raises(InternalError):
        acting(ADMIN, [("Impersonate-Group", "x")], anybody)
