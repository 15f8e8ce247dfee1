"""The variables of expressions in admission policies (apiserver's plugin/cel). Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netemu.cel.errors import CelError, CompileError
from netemu.cel.evaluate import COST, Frame
from netemu.cel.program import Program, compile_expression
from netemu.cel.types import BOOL, DYN, INT, STRING, Field, Type, list_of, map_of
from netemu.model.meta import Object

BUDGET: Final = 10_000_000
"""Steps that the expressions of one policy may take for one write (RuntimeCELCostBudget)."""


def _object(what: str, /, **fields: Type) -> Type:
    known = {field: Field(kind, field) for field, kind in fields.items()}
    return Type(f"kubernetes.{what}", (), known)


_KIND: Final = _object("GroupVersionKind", group=STRING, version=STRING, kind=STRING)
_RESOURCE: Final = _object("GroupVersionResource", group=STRING, version=STRING, resource=STRING)
_USER: Final = _object(
    "UserInfo",
    username=STRING,
    uid=STRING,
    groups=list_of(STRING),
    extra=map_of(STRING, list_of(STRING)),
)
_REQUEST: Final = _object(
    "AdmissionRequest",
    kind=_KIND,
    resource=_RESOURCE,
    subResource=STRING,
    requestKind=_KIND,
    requestResource=_RESOURCE,
    requestSubResource=STRING,
    name=STRING,
    namespace=STRING,
    operation=STRING,
    userInfo=_USER,
    dryRun=BOOL,
    options=DYN,
)
_NAMESPACE: Final = _object(
    "Namespace",
    metadata=_object(
        "NamespaceMetadata",
        name=STRING,
        generateName=STRING,
        namespace=STRING,
        labels=map_of(STRING, STRING),
        annotations=map_of(STRING, STRING),
        UID=STRING,
        creationTimestamp=DYN,
        deletionGracePeriodSeconds=INT,
        deletionTimestamp=DYN,
        generation=INT,
        resourceVersion=STRING,
        finalizers=list_of(STRING),
    ),
    spec=_object("NamespaceSpec", finalizers=list_of(STRING)),
    status=_object("NamespaceStatus", conditions=list_of(DYN), phase=STRING),
)
_AUTHORIZER: Final = Type("kubernetes.authorization.Authorizer")
_ASKED: Final = "authorizer.requestResource"
VARIABLES: Final[Mapping[str, Type]] = {
    "object": DYN,
    "oldObject": DYN,
    "request": _REQUEST,
    "namespaceObject": _NAMESPACE,
    "authorizer": _AUTHORIZER,
    _ASKED: Type("kubernetes.authorization.ResourceCheck"),
}
"""What every expression may use."""
PARAMS: Final[Mapping[str, Type]] = {"params": DYN}
_PREFIX: Final = "variables."


def checked(source: str, variables: Mapping[str, Type], *wanted: Type) -> Program:
    """An expression of one of these types. Raises CompileError, in Kubernetes' words."""
    lazy = frozenset(name for name in variables if name.startswith(_PREFIX))
    try:
        program = compile_expression(source, variables, lazy)
    except CompileError as error:
        raise CompileError(f"compilation failed: {error}") from None
    if wanted and program.type not in wanted:
        if len(wanted) == 1:
            raise CompileError(f"must evaluate to {wanted[0]}")
        raise CompileError(f"must evaluate to one of [{' '.join(map(str, wanted))}]")
    return program


@dataclass(frozen=True, slots=True)
class Named:
    """A variable that a policy defines."""

    name: str
    program: Program


def composed(
    said: Sequence[Object], variables: Mapping[str, Type]
) -> tuple[Mapping[str, Type], list[Named]]:
    """The variables with those that a policy adds, each of which may use those before it.

    Raises CompileError.
    """
    known = {**variables, "variables": Type("kubernetes.variables", (), {})}
    named = []
    for item in said:
        program = checked(item.get("expression", ""), known)
        named.append(Named(item.get("name", ""), program))
        known[f"{_PREFIX}{item.get('name', '')}"] = program.type
    return known, named


def lazily(named: Sequence[Named]) -> dict[str, Callable[[Frame], Any]]:
    """The values of a policy's variables: found at their first use, once."""
    return {f"{_PREFIX}{one.name}": _once(one.program) for one in named}


def _once(program: Program) -> Callable[[Frame], Any]:
    found: list[Any] = []

    def value(frame: Frame) -> Any:
        if not found:
            found.append(program.run(frame))
        return found[0]

    return value


@dataclass(slots=True)
class Evaluation:
    """The variables of one write, and the steps that are left for expressions about it."""

    variables: dict[str, Any]
    left: int = BUDGET

    def value(self, program: Program) -> Any:
        """What an expression comes to. Raises CelError, in Kubernetes' words."""
        try:
            found, steps = program.evaluate(self.variables, min(COST, max(self.left, 0)))
        except CelError as error:
            source = program.source
            raise CelError(f"expression '{source}' resulted in error: {error}") from None
        self.left -= steps
        return found


def holds(conditions: Sequence[Program], evaluation: Evaluation) -> bool:
    """Whether all conditions hold; one that doesn't makes the others' errors irrelevant.

    Raises CelError.
    """
    failed: list[str] = []
    for condition in conditions:
        try:
            if evaluation.value(condition) is not True:
                return False
        except CelError as error:
            failed.append(str(error))
    if failed:
        raise CelError(failed[0] if len(failed) == 1 else f"[{', '.join(failed)}]")
    return True
