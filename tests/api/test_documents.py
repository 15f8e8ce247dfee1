import msgspec
import pytest

from tests.support.api import Cluster

V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
async def test_anybody_may_ask_whether_it_lives(cluster: Cluster, path: str) -> None:
    assert (await cluster.whole("GET", path, user=None)).body == b"ok"


@pytest.mark.parametrize("path", ["/livez/ping", "/readyz/ping/", "/healthz/log"])
async def test_each_check_has_a_path_of_its_own(cluster: Cluster, path: str) -> None:
    assert (await cluster.whole("GET", path)).body == b"ok"


async def test_not_ready_is_said_so(cluster: Cluster) -> None:
    cluster.ready = False
    answer = await cluster.whole("GET", "/readyz", user=None)
    assert (answer.status, b"not synced yet" in answer.body) == (500, True)
    assert (await cluster.whole("GET", "/livez", user=None)).status == 200


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api", "APIVersions"),
        ("/apis", "APIGroupList"),
        ("/api/v1", "APIResourceList"),
        ("/apis/apps", "APIGroup"),
        ("/apis/apps/v1", "APIResourceList"),
    ],
)
async def test_discovery_answers_with_and_without_a_slash_at_the_end(
    cluster: Cluster, path: str, kind: str
) -> None:
    plain = await cluster.json("GET", path)
    assert plain["kind"] == kind
    assert await cluster.json("GET", path + "/") == plain


@pytest.mark.parametrize("path", ["/api", "/apis"])
async def test_aggregated_discovery_says_what_it_is(cluster: Cluster, path: str) -> None:
    answer = await cluster.whole("GET", path, accept=V2)
    assert answer.content_type == (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    )
    assert ("Vary", "Accept") in answer.headers
    assert msgspec.json.decode(answer.body)["apiVersion"] == "apidiscovery.k8s.io/v2"


async def test_the_version_has_a_slash_at_the_end_for_some(cluster: Cluster) -> None:
    assert (await cluster.json("GET", "/version/"))["minor"] == "32"


async def test_the_root_lists_paths(cluster: Cluster) -> None:
    paths = (await cluster.json("GET", "/"))["paths"]
    assert {"/api/v1", "/apis/apps/v1", "/version", "/openapi/v3"} <= set(paths)


async def test_what_is_not_there_is_not_found(cluster: Cluster) -> None:
    for path in ("/nothing", "/apis/nothing.io", "/apis/apps/v9", "/openapi/v3/apis/nothing/v1"):
        status = await cluster.refused("GET", path)
        assert status["code"] == 404
        assert status["message"] == "the server could not find the requested resource"


async def test_openapi_documents_are_kept_by_clients_that_name_their_hash(
    cluster: Cluster,
) -> None:
    index = await cluster.json("GET", "/openapi/v3")
    url = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
    path, _, digest = url.partition("?hash=")
    answer = await cluster.whole("GET", path, hash=digest)
    headers = dict(answer.headers)
    assert headers["Cache-Control"] == "public, immutable"
    assert headers["Expires"].endswith("GMT")
    assert b"io.k8s.api.apps.v1.Deployment" in answer.body
    unchanged = await cluster.whole("GET", path, hash=digest, if_none_match=headers["ETag"])
    assert (unchanged.status, unchanged.body) == (304, b"")


async def test_an_openapi_document_without_its_hash_is_not_kept(cluster: Cluster) -> None:
    answer = await cluster.whole("GET", "/openapi/v3/apis/apps/v1")
    assert dict(answer.headers)["Cache-Control"] == "no-cache, private"


async def test_an_old_hash_leads_to_the_new_one(cluster: Cluster) -> None:
    answer = await cluster.whole("GET", "/openapi/v3/api/v1", hash="old")
    assert answer.status == 301
    assert dict(answer.headers)["Location"].startswith("/openapi/v3/api/v1?hash=")


async def test_metrics_count_what_is_stored(cluster: Cluster) -> None:
    answer = await cluster.whole("GET", "/metrics")
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    assert b'apiserver_storage_objects{resource="namespaces"} ' in answer.body
