"""Options of the query that other servers see, and what of them the reply repeats."""

import pytest

from netemu.dns.answer import Answer
from netemu.dns.ednsrewriting import (
    NSID,
    SUBNET,
    Action,
    RewriteOption,
    Source,
    Subnet,
    Text,
    Variable,
)
from netemu.dns.outcome import Around
from netemu.dns.records import EdnsOption, Question, Type, name_from
from netemu.dns.rewriting import rewritten

CODE = 0xFFEE
AROUND = Around(client="192.0.2.77", port=4660, protocol="udp", server="10.96.0.10")
OLD, NEW = (CODE, b"old"), (CODE, b"new")


def asked(*options: EdnsOption) -> Question:
    return Question(name_from("Web.example"), Type.A, options=options)


def rule(action: Action, *, revert: bool = False, last: bool = False) -> RewriteOption:
    return RewriteOption(code=CODE, action=action, source=Text(b"new"), revert=revert, last=last)


def through(rules: tuple[RewriteOption, ...], question: Question) -> tuple[Question, Answer]:
    """The question as others get it, and an answer to it as the client gets it."""
    changed, mends = rewritten(rules, question, AROUND)
    answer = Answer()
    for mend in mends:
        outcome = mend(answer)
        assert isinstance(outcome, Answer)
        answer = outcome
    return changed, answer


ACTIONS = {
    Action.SET: ((NEW,), (NEW,)),
    Action.APPEND: ((NEW,), (OLD,)),
    Action.REPLACE: ((), (NEW,)),
    Action.UNSET: ((), ()),
}
"""What there is afterwards without such an option before, and with one."""


@pytest.mark.parametrize(("action", "expected"), ACTIONS.items())
def test_actions(action: Action, expected: tuple[object, object]) -> None:
    found = [through((rule(action),), asked(*before))[0].options for before in ((), (OLD,))]
    assert tuple(found) == expected


def test_options_with_other_codes_stay() -> None:
    changed, _ = through((rule(Action.SET),), asked((1, b"x"), OLD))
    assert changed.options == ((1, b"x"), NEW)


@pytest.mark.parametrize(
    ("source", "octets"),
    [
        (Variable("qname"), b"Web.example."),
        (Variable("qtype"), b"\0\x01"),
        (Variable("client_ip"), b"\xc0\0\x02\x4d"),
        (Variable("client_port"), b"\x12\x34"),
        (Variable("protocol"), b"udp"),
        (Variable("server_ip"), b"\x0a\x60\0\x0a"),
        (Variable("server_port"), b"\0\x35"),
        (Subnet(24, 56), b"\0\x01\x18\0\xc0\0\x02"),
        (Subnet(25, 56), b"\0\x01\x19\0\xc0\0\x02\0"),
        (Subnet(0, 0), b"\0\x01\0\0"),
    ],
)
def test_data_may_depend_on_the_query(source: Source, octets: bytes) -> None:
    assert source.data(asked(), AROUND) == octets


def test_the_network_of_an_ipv6_client() -> None:
    data = Subnet(24, 56).data(asked(), Around(client="2001:db8:1:2345::1"))
    assert data == b"\0\x02\x38\0" + bytes.fromhex("20010db8000123")


def test_the_reply_repeats_what_was_made_unless_it_is_reverted() -> None:
    assert through((rule(Action.SET),), asked())[1].options == (NEW,)
    assert through((rule(Action.SET, revert=True),), asked())[1].options == ()
    assert through((rule(Action.SET, revert=True),), asked(OLD))[1].options == (OLD,)
    first = RewriteOption(code=CODE, action=Action.SET, source=Text(b"abcd"), last=False)
    for second, told in (
        (rule(Action.REPLACE, revert=True), (CODE, b"abcd")),
        (rule(Action.SET), NEW),
    ):
        changed, answer = through((first, second), asked())
        assert changed.options == (NEW,)
        assert answer.options == (told,)


def test_what_depends_on_the_query_is_not_shared() -> None:
    assert not through((rule(Action.SET),), asked())[1].shared


@pytest.mark.parametrize("code", [NSID, SUBNET])
def test_other_options_are_for_other_servers_only(code: int) -> None:
    one = RewriteOption(code=code, action=Action.SET, told=False)
    changed, answer = through((one,), asked())
    assert (changed.options, answer.options) == (((code, b""),), ())
