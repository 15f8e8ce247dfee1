"""Which form of an answer a client can read: its Accept header against what netemu writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from netemu.model.errors import BadRequest, NotAcceptable


class Form(StrEnum):
    """How objects are shown; the values are those of ``as=``."""

    PLAIN = ""
    TABLE = "Table"
    PARTIAL = "PartialObjectMetadata"
    PARTIAL_LIST = "PartialObjectMetadataList"


class Include(StrEnum):
    """What a Table's rows carry beside their cells; the values are those of ``includeObject=``."""

    METADATA = "Metadata"
    OBJECT = "Object"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the client gets."""

    form: Form = Form.PLAIN
    version: str = "v1"
    """Of meta.k8s.io."""
    include: Include = Include.METADATA


PLAIN: Final = Shape()

_Parameters: TypeAlias = dict[str, str]
_JSON: Final = frozenset({"application/json", "application/*", "*/*"})
YAML: Final = "application/yaml"
_VERSIONS: Final = frozenset({"v1", "v1beta1"})
_STREAMS: Final = (
    "only the following media types are accepted: application/json, application/json;stream=watch"
)
_REFUSAL: Final = "only the following media types are accepted: application/json, application/yaml"


def alternatives(accept: str) -> Iterator[tuple[str, _Parameters]]:
    """Media types with their parameters, in the client's order."""
    for item in accept.split(","):
        media, *parameters = (part.strip() for part in item.split(";"))
        pairs = (text.partition("=") for text in parameters)
        yield media.lower(), {key.strip(): value.strip(' "') for key, _, value in pairs}


@lru_cache(maxsize=256)
def _accepted(accept: str) -> Shape:
    if not accept:
        return PLAIN
    for media, parameters in alternatives(accept):
        if media == YAML:
            return PLAIN  # written as JSON first
        if media not in _JSON:
            continue  # protobuf is not written here; the next alternative may do
        wanted = parameters.get("as", "")
        if not wanted:
            return PLAIN
        version = parameters.get("v", "")
        if parameters.get("g") == "meta.k8s.io" and version in _VERSIONS and wanted in tuple(Form):
            return Shape(Form(wanted), version)
    raise NotAcceptable(_REFUSAL)


def shape(accept: str, include: str = "") -> Shape:
    """The first alternative that netemu can write. Raises BadRequest, NotAcceptable."""
    accepted = _accepted(accept)
    if not include or accepted.form is not Form.TABLE:
        return accepted
    try:
        return Shape(accepted.form, accepted.version, Include(include))
    except ValueError:
        raise BadRequest(
            f'Unable to convert to Table as requested: includeObject: Invalid value: "{include}": '
            "must be 'Metadata', 'Object', 'None', or empty"
        ) from None


def plain_only(accept: str) -> None:
    """For answers that have one form. Raises NotAcceptable."""
    if accept and not any(media in _JSON or media == YAML for media, _ in alternatives(accept)):
        raise NotAcceptable(_REFUSAL)


@lru_cache(maxsize=256)
def prefers_yaml(accept: str) -> bool:
    """Whether the first alternative that can be written is YAML."""
    for media, _ in alternatives(accept):
        if media in _JSON:
            return False
        if media == YAML:
            return True
    return False


def streamed(accept: str) -> None:
    """For watches: YAML has no stream of its own. Raises NotAcceptable."""
    if prefers_yaml(accept):
        raise NotAcceptable(_STREAMS)


def discovery_version(accept: str) -> str | None:
    """The version of aggregated discovery a client prefers, None for the plain lists."""
    for media, parameters in alternatives(accept):
        if media != "application/json":
            continue
        if parameters.get("as") != "APIGroupDiscoveryList":
            return None
        version = parameters.get("v")
        if parameters.get("g") == "apidiscovery.k8s.io" and version in ("v2", "v2beta1"):
            return version
    return None
