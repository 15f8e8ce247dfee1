import pytest

from netemu.api.gonumbers import NotANumber
from netemu.api.request import (
    Request,
    error_answer,
    json_answer,
    raw_answer,
    warning_headers,
)
from netemu.model.errors import Invalid, NotFound


def asked(**query: str) -> Request:
    return Request(method="POST", path="/", query=query, user_agent="kubectl/v1.32.4 (linux)")


def test_the_field_manager_is_named_or_is_the_program() -> None:
    assert asked(fieldManager="me").manager == "me"
    assert asked().manager == "kubectl"
    assert Request(method="GET", path="/").manager == "unknown"


def test_dry_run_is_all_or_nothing() -> None:
    assert asked(dryRun="All").dry_run
    assert not asked().dry_run
    with pytest.raises(Invalid, match=r'CreateOptions.meta.k8s.io "" is invalid: dryRun'):
        _ = asked(dryRun="Some").dry_run


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), ("", True), ("false", False), ("0", False), ("False", False)],
)
def test_a_flag_is_read_as_go_reads_it(text: str, value: bool) -> None:
    assert asked(watch=text).flag("watch") is value


def test_a_flag_that_is_absent_is_false() -> None:
    assert not asked().flag("watch")


def test_a_number_is_one_or_none() -> None:
    assert asked(limit="5").number("limit") == 5
    assert asked().number("limit") is None
    with pytest.raises(NotANumber, match=r'parsing "x": invalid syntax'):
        asked(limit="x").number("limit")


def test_answers_are_compact_and_end_with_a_newline() -> None:
    assert json_answer({"a": [1, 2]}).body == b'{"a":[1,2]}\n'
    assert raw_answer(b"{}").body == b"{}\n"


def test_a_refusal_is_a_status_in_gos_order() -> None:
    answer = error_answer(NotFound("deployments.apps", "x"))
    assert answer.status == 404
    assert answer.body == (
        b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        b'"message":"deployments.apps \\"x\\" not found","reason":"NotFound",'
        b'"details":{"name":"x","group":"apps","kind":"deployments"},"code":404}\n'
    )


def test_warnings_are_quoted_for_the_header() -> None:
    assert warning_headers(['unknown field "spec.x"\n']) == [
        ("Warning", '299 - "unknown field \\"spec.x\\" "')
    ]
