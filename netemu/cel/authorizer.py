"""What an expression may ask about rights (apiserver/pkg/cel/library/authz.go)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from netemu.cel.standard import Overloads
from netemu.cel.values import KINDS


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and why."""

    allowed: bool
    reason: str = ""


Ask = Callable[["Question"], Decision]
"""Answers a question."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that may be allowed, said bit by bit."""

    ask: Ask
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    verb: str = ""


class Authorizer(Question):
    """Where a question begins."""

    __slots__ = ()


class PathCheck(Question):
    """A question about a path."""

    __slots__ = ()


class GroupCheck(Question):
    """A question about a group."""

    __slots__ = ()


KINDS |= {
    Authorizer: "kubernetes.authorization.Authorizer",
    PathCheck: "kubernetes.authorization.PathCheck",
    GroupCheck: "kubernetes.authorization.GroupCheck",
    Question: "kubernetes.authorization.ResourceCheck",
    Decision: "kubernetes.authorization.Decision",
}


def _resource(group: Question, name: str) -> Question:
    return Question(group.ask, group=group.group, resource=name)


def _with(field: str) -> Callable[[Question, str], Question]:
    return lambda question, value: replace(question, **{field: value})  # type: ignore[arg-type]  # its texts only


def _check(question: Question, verb: str) -> Decision:
    return question.ask(replace(question, verb=verb))


def _field(name: str) -> Callable[[Decision], Any]:
    return lambda decision: getattr(decision, name)


_A: Final = "kubernetes.authorization"
OVERLOADS: Final[Overloads] = (
    (
        "path",
        f"{_A}.Authorizer.(string) {_A}.PathCheck",
        lambda a, text: PathCheck(a.ask, path=text),
    ),
    ("group", f"{_A}.Authorizer.(string) {_A}.GroupCheck", lambda a, g: GroupCheck(a.ask, group=g)),
    ("resource", f"{_A}.GroupCheck.(string) {_A}.ResourceCheck", _resource),
    *(
        (name, f"{_A}.ResourceCheck.(string) {_A}.ResourceCheck", _with(name))
        for name in ("subresource", "namespace", "name")
    ),
    ("check", f"{_A}.ResourceCheck.(string) {_A}.Decision", _check),
    ("check", f"{_A}.PathCheck.(string) {_A}.Decision", _check),
    ("allowed", f"{_A}.Decision.() bool", _field("allowed")),
    ("reason", f"{_A}.Decision.() string", _field("reason")),
    ("errored", f"{_A}.Decision.() bool", lambda decision: False),
    ("error", f"{_A}.Decision.() string", lambda decision: ""),
)
