import pytest

from netemu.api import negotiation
from netemu.api.negotiation import Form, Include, Shape
from netemu.model.errors import BadRequest, NotAcceptable

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
OLD_TABLE = "application/json;as=Table;v=v1beta1;g=meta.k8s.io"
PROTOBUF = "application/vnd.kubernetes.protobuf"
PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2BETA1 = V2.replace("v=v2;", "v=v2beta1;")

SHAPES = [
    ("", Shape()),
    ("*/*", Shape()),
    ("application/json", Shape()),
    ("application/json;stream=watch", Shape()),
    (f"{PROTOBUF},application/json", Shape()),
    (f"{TABLE},{OLD_TABLE},application/json", Shape(Form.TABLE)),
    (f"{OLD_TABLE}, application/json", Shape(Form.TABLE, "v1beta1")),
    ("application/json;as=Table;v=v9;g=meta.k8s.io, application/json", Shape()),
    (PARTIAL, Shape(Form.PARTIAL_LIST)),
    ("application/vnd.kubernetes.protobuf,*/*", Shape()),
]


@pytest.mark.parametrize(("accept", "shape"), SHAPES)
def test_the_first_form_that_netemu_writes_is_taken(accept: str, shape: Shape) -> None:
    assert negotiation.shape(accept) == shape


@pytest.mark.parametrize("accept", [PROTOBUF, "text/html", "application/json;as=Nothing"])
def test_a_client_that_reads_none_of_them_is_told(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="only the following media types are accepted"):
        negotiation.shape(accept)


def test_a_table_carries_what_the_client_wants_beside_its_cells() -> None:
    assert negotiation.shape(TABLE, "Object").include is Include.OBJECT
    assert negotiation.shape("", "Object") == Shape()
    with pytest.raises(BadRequest):
        negotiation.shape(TABLE, "Everything")


def test_documents_of_one_form_need_json() -> None:
    negotiation.plain_only("text/html,*/*;q=0.1")
    with pytest.raises(NotAcceptable):
        negotiation.plain_only("text/html")


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        (f"{V2},{V2BETA1},application/json", "v2"),
        (f"{V2BETA1},application/json", "v2beta1"),
        ("application/json", None),
        ("*/*", None),
        ("", None),
        (f"{PROTOBUF};as=APIGroupDiscoveryList,{V2}", "v2"),
    ],
)
def test_discovery_is_aggregated_for_those_who_ask(accept: str, version: str | None) -> None:
    assert negotiation.discovery_version(accept) == version


def test_watches_are_no_yaml() -> None:
    negotiation.streamed("application/json;stream=watch")
    negotiation.streamed("")
    with pytest.raises(NotAcceptable, match="stream=watch"):
        negotiation.streamed("application/yaml")
