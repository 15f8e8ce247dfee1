"""Go's names of strings."""

import pytest

from netemu.api.gotypes import string_type
from tests.support.api import Cluster


@pytest.mark.parametrize(
    ("struct", "field", "given", "named"),
    [
        ("ServiceSpec", "type", "string", "v1.ServiceType"),
        ("ServiceSpec", "ipFamilies", "[]string", "[]v1.IPFamily"),
        ("ServiceSpec", "clusterIP", "string", "string"),
        ("ServicePort", "port", "int32", "int32"),
    ],
)
def test_closed_sets_have_names(struct: str, field: str, given: str, named: str) -> None:
    assert string_type(struct, field, given) == named


async def test_a_mismatch_names_the_type(cluster: Cluster) -> None:
    service = {"metadata": {"name": "x"}, "spec": {"type": 1}}
    refused = await cluster.refused("POST", "/api/v1/namespaces/default/services", service)
    assert refused["message"].endswith(
        "json: cannot unmarshal number into Go struct field ServiceSpec.spec.type of type "
        "v1.ServiceType"
    )
