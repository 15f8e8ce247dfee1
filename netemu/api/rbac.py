"""Role-based access control: what a request is about, and which rules allow it. Pure.

Roles only ever add up; nothing forbids (KEP-less, k8s.io/api/rbac/v1; upstream:
plugin/pkg/auth/authorizer/rbac and component-helpers/auth/rbac/validation).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netemu.api.request import User
from netemu.model.errors import Forbidden
from netemu.model.meta import Object, name_of, namespace_of

MASTERS: Final = "system:masters"
"""The group that may do everything, whatever the roles say."""
ALL: Final = "*"

Rule = Object
"""A PolicyRule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What a request wants to do, and to what."""

    verb: str
    group: str = ""
    resource: str = ""
    """The plural; "" when it is about a path."""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """``pods/log``."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def allows(rule: Rule, wanted: Attributes) -> bool:
    """Whether one rule allows it."""
    if not _has(rule.get("verbs"), wanted.verb):
        return False
    if not wanted.resource:
        return any(_covers(url, wanted.path) for url in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _has(rule.get("apiGroups"), wanted.group)
        and _names_resource(rule.get("resources") or (), wanted)
        and (not names or wanted.name in names)
    )


def _has(values: Sequence[str] | None, value: str) -> bool:
    return bool(values) and (ALL in values or value in values)  # type: ignore[operator] # not None


def _names_resource(resources: Sequence[str], wanted: Attributes) -> bool:
    if ALL in resources or wanted.full_resource in resources:
        return True
    return bool(wanted.subresource) and f"*/{wanted.subresource}" in resources


def _covers(url: str, path: str) -> bool:
    return url in (ALL, path) or (url.endswith(ALL) and path.startswith(url.rstrip(ALL)))


@dataclass(frozen=True, slots=True)
class Grant:
    """One binding, from the point of view of one of its subjects."""

    namespace: str | None
    """None: everywhere."""
    rules: Sequence[Rule]
    why: str
    """How SubjectAccessReviews tell of it."""


Subject = tuple[str, str]
"""(kind, name): User or Group, as a request names them."""


class Grants:
    """Everything that roles and bindings allow, by subject."""

    def __init__(
        self,
        roles: Iterable[Object] = (),
        cluster_roles: Iterable[Object] = (),
        bindings: Iterable[Object] = (),
        cluster_bindings: Iterable[Object] = (),
    ) -> None:
        self._roles = {(namespace_of(role), name_of(role)): role for role in roles}
        self._roles |= {("", name_of(role)): role for role in cluster_roles}
        self._grants: dict[Subject, list[Grant]] = {}
        for binding in (*cluster_bindings, *bindings):
            self._bind(binding)

    def _bind(self, binding: Object) -> None:
        namespace = namespace_of(binding) or None
        reference = binding.get("roleRef") or {}
        where = "" if reference.get("kind") == "ClusterRole" else namespace or ""
        role = self._roles.get((where, reference.get("name", "")))
        if role is None:
            return
        kind = "ClusterRoleBinding" if namespace is None else "RoleBinding"
        name = name_of(binding) if namespace is None else f"{name_of(binding)}/{namespace}"
        for subject in binding.get("subjects") or ():
            why = (
                f'RBAC: allowed by {kind} "{name}" of {reference.get("kind")} '
                f'"{name_of(role)}" to {_described(subject)}'
            )
            grant = Grant(namespace, role.get("rules") or (), why)
            self._grants.setdefault(_subject(subject, namespace), []).append(grant)

    def of(self, user: User, namespace: str) -> Iterator[Grant]:
        """What counts for a user in a namespace; "" for cluster-wide matters."""
        for subject in (("User", user.name), *(("Group", group) for group in user.groups)):
            for grant in self._grants.get(subject, ()):
                if grant.namespace is None or (namespace and grant.namespace == namespace):
                    yield grant

    def allowed(self, user: User, wanted: Attributes) -> str | None:
        """Why a user may do it; None: he may not."""
        if MASTERS in user.groups:
            return ""
        for grant in self.of(user, wanted.namespace):
            if any(allows(rule, wanted) for rule in grant.rules):
                return grant.why
        return None


def _subject(subject: Object, namespace: str | None) -> Subject:
    if subject.get("kind") == "ServiceAccount":
        home = subject.get("namespace") or namespace or ""
        return "User", f"system:serviceaccount:{home}:{subject.get('name', '')}"
    return subject.get("kind", ""), subject.get("name", "")


def _described(subject: Object) -> str:
    name = subject.get("name", "")
    if subject.get("kind") == "ServiceAccount":
        name = f"{name}/{subject.get('namespace', '')}"
    return f'{subject.get("kind")} "{name}"'


def forbidden(user: User, wanted: Attributes) -> Forbidden:
    """The refusal, in upstream's words."""
    if not wanted.resource:
        why = f'User "{user.name}" cannot {wanted.verb} path "{wanted.path}"'
        return Forbidden(f"forbidden: {why}")
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    why = (
        f'User "{user.name}" cannot {wanted.verb} resource "{wanted.full_resource}" '
        f'in API group "{wanted.group}" {where}'
    )
    key = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    what = f'{key} "{wanted.name}"' if wanted.name else key
    details = {"name": wanted.name, "group": wanted.group, "kind": wanted.resource}
    return Forbidden(
        f"{what} is forbidden: {why}", **{name: text for name, text in details.items() if text}
    )


def uncovered(grants: Iterable[Grant], rules: Iterable[Rule]) -> list[Rule]:
    """Those simple rules that the grants don't cover: giving them away would be an escalation."""
    owned = [rule for grant in grants for rule in grant.rules]
    return [one for rule in rules for one in _simple(rule) if not _covered(owned, one)]


def _simple(rule: Rule) -> Iterator[Rule]:
    """A rule as rules of one verb, group, resource and name (or of one verb and URL)."""
    for verb in rule.get("verbs") or ():
        for url in rule.get("nonResourceURLs") or ():
            yield {"verbs": [verb], "nonResourceURLs": [url]}
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                one = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                names = rule.get("resourceNames") or ()
                yield from ({**one, "resourceNames": [name]} for name in names)
                if not names:
                    yield one


def _covered(owned: Sequence[Rule], wanted: Mapping[str, Sequence[str]]) -> bool:
    verb = wanted["verbs"][0]
    if "nonResourceURLs" in wanted:
        return any(
            allows(rule, Attributes(verb=verb, path=wanted["nonResourceURLs"][0])) for rule in owned
        )
    resource, _, subresource = wanted["resources"][0].partition("/")
    name = wanted.get("resourceNames", ("",))[0]
    attributes = Attributes(
        verb=verb,
        group=wanted["apiGroups"][0],
        resource=resource,
        subresource=subresource,
        name=name,
    )
    return any(
        allows(rule, attributes) and (name or not rule.get("resourceNames")) for rule in owned
    )
