"""Requests that can't be: each gets the Status that a real server gives."""

from typing import Any, NamedTuple

import msgspec
import pytest

from tests.support.api import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
ONE = f"{MAPS}/m"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
UNKNOWN = "the server could not find the requested resource"
NOT_ALLOWED = "the server does not allow this method on the requested resource"
UNREADABLE = "the object provided is unrecognized (must be of type ConfigMap): "
UNAPPLIED = "the server rejected our request due to an error in our request"
FORMAT = "the body of the request was in an unknown format - accepted media types include: "


class Case(NamedTuple):
    name: str
    method: str
    path: str
    code: int
    message: str
    body: Any = None
    more: dict[str, Any] = {}  # never changed


def query(name: str, code: int, message: str, **more: str) -> Case:
    return Case(f"a list with {name}", "GET", MAPS, code, message, None, more)


def option(kind: str, text: str) -> str:
    return f'{kind}Options.meta.k8s.io "" is invalid: {text}'


PATHS = [
    Case("no such kind", "GET", "/api/v1/things", 404, UNKNOWN),
    Case("no such group", "GET", "/apis/a.b/v1/things", 404, UNKNOWN),
    Case("no such version", "GET", "/apis/apps/v2/deployments", 404, UNKNOWN),
    Case("no such subresource", "GET", f"{ONE}/scale", 404, UNKNOWN),
    Case("nothing at all", "GET", "/nowhere", 404, UNKNOWN),
    Case("no such object", "GET", f"{MAPS}/x", 404, 'configmaps "x" not found'),
    Case("posting to an object", "POST", ONE, 405, NOT_ALLOWED, {}),
    Case("putting to a collection", "PUT", MAPS, 405, NOT_ALLOWED, {}),
    Case("deleting all namespaces", "DELETE", "/api/v1/namespaces", 405, NOT_ALLOWED),
    Case("creating everywhere", "POST", "/api/v1/configmaps", 405, NOT_ALLOWED, {}),
    Case(
        "creating in no namespace",
        "POST",
        "/api/v1/namespaces/none/configmaps",
        404,
        'namespaces "none" not found',
        {"metadata": {"name": "m"}},
    ),
    Case(
        "an unknown form of answer",
        "GET",
        ONE,
        406,
        "only the following media types are accepted: application/json, application/yaml",
        None,
        {"accept": "text/html"},
    ),
]
QUERIES = [
    query(
        "a limit that is no number", 400, 'strconv.ParseInt: parsing "x": invalid syntax', limit="x"
    ),
    query(
        "an unknown field",
        400,
        '"foo" is not a known field selector: only "metadata.name", "metadata.namespace"',
        fieldSelector="foo=bar",
    ),
    query(
        "half a field", 400, "invalid selector: 'foo'; can't understand 'foo'", fieldSelector="foo"
    ),
    query(
        "two values of a label",
        400,
        "found '=', expected: ',' or 'end of string'",
        labelSelector="a=b=c",
    ),
    query(
        "an open set of labels",
        400,
        "unable to parse requirement: found '', expected: ',', ')' or identifier",
        labelSelector="a in (",
    ),
    query(
        "a version that is none",
        422,
        option(
            "List",
            'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
        ),
        resourceVersion="x",
    ),
    query(
        "a version still to come",
        504,
        "Too large resource version: 999, current: 2",
        resourceVersion="999",
    ),
    query(
        "a match of no version",
        422,
        option(
            "List",
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless "
            "resourceVersion is provided",
        ),
        resourceVersionMatch="Exact",
    ),
    query(
        "exactly any version",
        422,
        option(
            "List",
            'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for '
            'resourceVersion "0"',
        ),
        resourceVersionMatch="Exact",
        resourceVersion="0",
    ),
    query(
        "initial events",
        422,
        option("List", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
        sendInitialEvents="true",
    ),
    query(
        "a watch of initial events of any age",
        422,
        option(
            "List",
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
            "resourceVersionMatch to NotOlderThan",
        ),
        watch="1",
        sendInitialEvents="true",
    ),
    query(
        "rows of something else",
        400,
        'Unable to convert to Table as requested: includeObject: Invalid value: "All": must be '
        "'Metadata', 'Object', 'None', or empty",
        includeObject="All",
        accept="application/json;as=Table;v=v1;g=meta.k8s.io",
    ),
]


def posted(name: str, body: bytes, code: int, message: str, **more: Any) -> Case:
    return Case(name, "POST", MAPS, code, message, body, more)


NAMED = b'{"metadata":{"name":"x"}}'
BODIES = [
    posted(
        "half a body",
        b"{",
        400,
        f"{UNREADABLE}couldn't get version/kind; json parse error: unexpected end of JSON input "
        "({)",
    ),
    posted(
        "no body",
        b"",
        400,
        f"{UNREADABLE}couldn't get version/kind; json parse error: unexpected end of JSON input "
        "(<empty>)",
    ),
    posted(
        "more than a body",
        b"{}x",
        400,
        f"{UNREADABLE}couldn't get version/kind; json parse error: invalid character 'x' after "
        "top-level value ({}x)",
    ),
    posted(
        "an unknown type of body",
        NAMED,
        415,
        f"{FORMAT}application/json, application/yaml, application/vnd.kubernetes.protobuf",
        content_type="text/plain",
    ),
    posted(
        "another kind",
        b'{"kind":"Pod","apiVersion":"v1"}',
        400,
        'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to '
        "(core.ConfigMap): unknown conversion",
    ),
    posted(
        "another version",
        b'{"kind":"ConfigMap","apiVersion":"v2"}',
        400,
        "the API version in the data (v2) does not match the expected API version (v1)",
    ),
    posted(
        "a value of another type",
        b'{"data":{"a":1}}',
        400,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number '
        "into Go struct field ConfigMap.data of type string",
    ),
    posted(
        "an unknown field, strictly",
        b'{"dta":{}}',
        400,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: '
        'unknown field "dta"',
        fieldValidation="Strict",
    ),
    posted(
        "a field twice, strictly",
        b'{"data":{},"data":{}}',
        400,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: '
        'duplicate field "data"',
        fieldValidation="Strict",
    ),
    posted(
        "another namespace",
        b'{"metadata":{"name":"x","namespace":"y"}}',
        400,
        "the namespace of the provided object does not match the namespace sent on the request "
        "(y != default)",
    ),
    posted(
        "a version for what is new",
        b'{"metadata":{"name":"x","resourceVersion":"1"}}',
        500,
        "resourceVersion should not be set on objects to be created",
    ),
    posted(
        "an unknown way to validate",
        NAMED,
        422,
        option(
            "Create",
            'fieldValidation: Unsupported value: "Some": supported values: "", "Ignore", "Strict", '
            '"Warn"',
        ),
        fieldValidation="Some",
    ),
    posted(
        "an unknown dry run",
        NAMED,
        422,
        option("Create", 'dryRun: Unsupported value: []string{"Some"}: supported values: "All"'),
        dryRun="Some",
    ),
    posted(
        "a long manager",
        NAMED,
        422,
        option("Create", "fieldManager: Too long: may not be more than 128 bytes"),
        fieldManager="a" * 129,
    ),
    posted(
        "a manager nobody can read",
        NAMED,
        422,
        option(
            "Create",
            'fieldManager: Invalid value: "é\\u0001": invalid character U+0001 (at position 2)',
        ),
        fieldManager="é\x01",
    ),
    Case(
        "another name",
        "PUT",
        ONE,
        400,
        "the name of the object (x) does not match the name on the URL (m)",
        {"metadata": {"name": "x"}},
    ),
    Case(
        "an old version",
        "PUT",
        ONE,
        409,
        'Operation cannot be fulfilled on configmaps "m": the object has been modified; please '
        "apply your changes to the latest version and try again",
        {"metadata": {"name": "m", "resourceVersion": "1"}},
    ),
]


def patched(name: str, kind: str, body: bytes, code: int, message: str, **more: str) -> Case:
    return Case(name, "PATCH", ONE, code, message, body, {"content_type": kind, **more})


def applied(name: str, body: bytes, code: int, message: str, **more: str) -> Case:
    return patched(name, APPLY, body, code, message, **{"fieldManager": "me", **more})


PATCHES = [
    patched(
        "no patch at all",
        "application/json",
        b"{}",
        415,
        f"{FORMAT}{JSON_PATCH}, {MERGE}, {STRATEGIC}, {APPLY}",
    ),
    patched(
        "an object as JSON patch",
        JSON_PATCH,
        b"{}",
        400,
        "error decoding patch: json: cannot unmarshal object into Go value of type "
        "[]handlers.jsonPatchOp",
    ),
    patched("an unknown step", JSON_PATCH, b'[{"op":"x","path":"/a"}]', 422, UNAPPLIED),
    patched(
        "a test that fails", JSON_PATCH, b'[{"op":"test","path":"/a","value":1}]', 422, UNAPPLIED
    ),
    patched(
        "a list as merge patch",
        MERGE,
        b"[]",
        400,
        "error decoding patch: json: cannot unmarshal array into Go value of type "
        "map[string]interface {}",
    ),
    patched(
        "half a merge patch",
        MERGE,
        b"{",
        400,
        "error decoding patch: unexpected end of JSON input",
    ),
    patched(
        "an unknown directive",
        STRATEGIC,
        b'{"metadata":{"$patch":"x"}}',
        500,
        "unknown patch type: x in map: map[$patch:x]",
    ),
    patched(
        "force without apply",
        MERGE,
        b"{}",
        422,
        option("Patch", "force: Forbidden: may not be specified for non-apply patch"),
        force="true",
    ),
    patched(
        "nobody applies",
        APPLY,
        b"{}",
        422,
        option("Patch", "fieldManager: Required value: is required for apply patch"),
    ),
    applied(
        "applying nothing",
        b"{}",
        400,
        "Incorrect version specified in apply patch. Specified patch version: , expected: v1",
    ),
    applied(
        "applying another name",
        b"{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}",
        400,
        "the name of the object (x) does not match the name on the URL (m)",
    ),
    applied(
        "applying an unknown field",
        b"{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, dta: {}}",
        500,
        "failed to create typed patch object (m; v1, Kind=ConfigMap): .dta: field not declared in "
        "schema",
    ),
]


def deleted(name: str, body: Any, code: int, message: str, **more: str) -> Case:
    return Case(name, "DELETE", ONE, code, message, body, more)


DELETIONS = [
    deleted(
        "an unknown dry run of a deletion",
        {"dryRun": ["Some"]},
        422,
        option("Delete", 'dryRun: Unsupported value: []string{"Some"}: supported values: "All"'),
    ),
    deleted(
        "an unknown propagation",
        {"propagationPolicy": "Sideways"},
        422,
        option(
            "Delete",
            'propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", '
            '"Background", "Orphan", "nil"',
        ),
    ),
    deleted(
        "propagation in two ways",
        {"propagationPolicy": "Orphan", "orphanDependents": True},
        422,
        option(
            "Delete",
            'propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation '
            "cannot be both set",
        ),
    ),
    deleted(
        "a time that is no number",
        {"gracePeriodSeconds": "x"},
        400,
        'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot '
        "unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
    ),
    deleted(
        "a precondition that fails",
        {"preconditions": {"uid": "x"}},
        409,
        'Operation cannot be fulfilled on ConfigMap "m": the UID in the precondition (x) does not '
        "match the UID in record (UID). The object might have been deleted and then recreated",
    ),
    deleted(
        "half a body of a deletion",
        b"{",
        400,
        "the object provided is unrecognized (must be of type DeleteOptions): couldn't get "
        "version/kind; json parse error: unexpected end of JSON input ({)",
    ),
]
UPGRADES = [
    Case(
        "exec without upgrade",
        "GET",
        f"{PODS}/p/exec",
        400,
        "Upgrade request required",
        None,
        {"command": "a", "stdout": "1"},
    ),
    Case(
        "exec of nothing",
        "GET",
        f"{PODS}/p/exec",
        400,
        "you must specify at least 1 of stdin, stdout, stderr",
    ),
    Case(
        "forwarding without upgrade",
        "POST",
        f"{PODS}/p/portforward",
        400,
        "Upgrade request required",
    ),
]
CASES = [*PATHS, *QUERIES, *BODIES, *PATCHES, *DELETIONS, *UPGRADES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_cannot_be_gets_a_clusters_words(cluster: Cluster, case: Case) -> None:
    made = await cluster.json("POST", MAPS, {"metadata": {"name": "m"}})
    if case in UPGRADES:
        spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": "n"}
        await cluster.json("POST", PODS, {"metadata": {"name": "p"}, "spec": spec})
    found = await cluster.whole(case.method, case.path, case.body, **case.more)
    status = msgspec.json.decode(found.body)
    message = status["message"].replace(made["metadata"]["uid"], "UID")
    assert (status["kind"], status["status"]) == ("Status", "Failure")
    assert (found.status, status["code"], message) == (case.code, case.code, case.message)
