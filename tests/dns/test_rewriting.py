import pytest

from netemu.dns.answer import Answer
from netemu.dns.forwarding import Forward
from netemu.dns.outcome import Around, Ask, Outcome
from netemu.dns.records import Question, Rcode, Record, Srv, Type, name_from
from netemu.dns.renaming import AnswerRule, Mend
from netemu.dns.rewriting import (
    Match,
    Pattern,
    RewriteCname,
    RewriteName,
    RewriteRcode,
    RewriteTtl,
    RewriteType,
    rewritten,
)

A = name_from("A.example")
TO = name_from("b.example")
RULE = RewriteName(pattern=Pattern(Match.EXACT, "a.example."), to="b.example.")


def told(mend: Mend, answer: Answer) -> Answer:
    outcome = mend(answer)
    assert isinstance(outcome, Answer)
    return outcome


def record(owner: str, kind: int, data: object, ttl: int = 60) -> Record:
    return Record(name_from(owner), kind, ttl, data)  # type: ignore[arg-type]  # each test's own


def test_the_question_is_another_and_the_answer_is_put_back() -> None:
    question, (mend,) = rewritten((RULE,), Question(A, Type.A), Around())
    assert question.name == TO
    mended = told(
        mend,
        Answer(
            records=(record("B.example", Type.CNAME, TO), record("c.example", Type.A, bytes(4))),
            additional=(record("x", Type.SRV, Srv(1, 2, TO)),),
        ),
    )
    assert [each.owner for each in mended.records] == [A, name_from("c.example")]
    assert mended.records[0].data == A
    assert mended.additional[0].data == Srv(1, 2, A)


def test_a_suffix_is_put_back_wherever_it_is() -> None:
    rule = RewriteName(pattern=Pattern(Match.SUFFIX, ".a.example."), to=".b.example.")
    question, (mend,) = rewritten((rule,), Question(name_from("x.a.example"), Type.A), Around())
    assert question.name == name_from("x.b.example")
    mended = told(
        mend, Answer(records=(record("y.b.example", Type.CNAME, name_from("z.c.example")),))
    )
    assert mended.records[0] == record("y.a.example", Type.CNAME, name_from("z.c.example"))


def test_rules_of_their_own_change_owners_or_values() -> None:
    rule = RewriteName(
        pattern=RULE.pattern,
        to=RULE.to,
        auto=False,
        answers=(
            AnswerRule(False, r"^b\.(.*)$", "q.{1}"),
            AnswerRule(True, r"^(.*)\.c\.$", "{1}.d"),
        ),
    )
    _, (mend,) = rewritten((rule,), Question(A, Type.A), Around())
    mended = told(mend, Answer(records=(record("b.example", Type.CNAME, name_from("x.c")),)))
    assert mended.records == (record("q.example", Type.CNAME, name_from("x.d")),)


def test_an_answer_rule_that_makes_no_name_changes_nothing() -> None:
    rule = RewriteName(
        pattern=RULE.pattern, to=RULE.to, answers=(AnswerRule(False, "b", "..{5}"),), auto=False
    )
    _, (mend,) = rewritten((rule,), Question(A, Type.A), Around())
    answer = Answer(records=(record("b.example", Type.A, bytes(4)),))
    assert told(mend, answer) == answer


def test_a_rule_that_goes_on_is_undone_last() -> None:
    rules = (
        RewriteName(pattern=RULE.pattern, to="b.example.", last=False),
        RewriteName(pattern=Pattern(Match.EXACT, "b.example."), to="c.example."),
        RewriteName(pattern=Pattern(Match.EXACT, "c.example."), to="never."),
    )
    question, mends = rewritten(rules, Question(A, Type.A), Around())
    assert question.name == name_from("c.example")
    answer = Answer(records=(record("c.example", Type.A, bytes(4)),))
    for mend in mends:
        answer = told(mend, answer)
    assert answer.records[0].owner == A


def test_ttls_are_kept_within_bounds() -> None:
    rule = RewriteTtl(pattern=Pattern(Match.SUFFIX, ".example."), least=10, most=20)
    question, (mend,) = rewritten((rule,), Question(A, Type.A), Around())
    answer = Answer(records=tuple(record("a.example", Type.A, bytes(4), n) for n in (1, 15, 99)))
    assert question == Question(A, Type.A)
    assert [each.ttl for each in told(mend, answer).records] == [10, 15, 20]


def test_types_and_classes() -> None:
    rules = (RewriteType(from_type=28, to_type=1), RewriteType(from_class=3, to_class=1))
    assert rewritten(rules, Question(A, 28), Around())[0] == Question(A, 1)
    assert rewritten(rules, Question(A, 1, 3), Around())[0] == Question(A, 1, 1)
    assert rewritten(rules, Question(A, 1, 1), Around()) == (Question(A, 1, 1), [])


def test_a_code_becomes_another_for_names_that_fit() -> None:
    rule = RewriteRcode(
        pattern=Pattern(Match.SUFFIX, ".example."),
        from_rcode=Rcode.NXDOMAIN,
        to_rcode=Rcode.NOERROR,
    )
    question, (mend,) = rewritten((rule,), Question(A, Type.A), Around())
    assert question == Question(A, Type.A)
    assert told(mend, Answer(rcode=Rcode.NXDOMAIN)).rcode is Rcode.NOERROR
    assert told(mend, Answer(rcode=Rcode.SERVFAIL)).rcode is Rcode.SERVFAIL
    assert rewritten((rule,), Question(name_from("other.test"), Type.A), Around())[1] == []


LINKS = (
    record("app.example", Type.CNAME, name_from("x.cdn.example"), 200),
    record("x.cdn.example", Type.CNAME, name_from("y.example"), 200),
    record("y.example", Type.A, bytes(4)),
)


def led(pattern: Pattern, to: str, found: Outcome) -> tuple[Outcome, list[Question]]:
    asked: list[Question] = []

    def lookup(question: Question) -> Outcome:
        asked.append(question)
        return found

    rule = RewriteCname(pattern=pattern, to=to)
    question = Question(name_from("app.example"), Type.A)
    same, (mend,) = rewritten((rule,), question, Around(lookup=lookup))
    assert same == question
    return mend(Answer(records=LINKS)), asked


CNAMES = {
    "exact": (Pattern(Match.EXACT, "x.cdn.example."), "new.test.", "new.test"),
    "suffix": (Pattern(Match.SUFFIX, ".cdn.example."), ".other.test.", "x.other.test"),
    "prefix": (Pattern(Match.PREFIX, "x."), "z.", "z.cdn.example"),
    "substring": (Pattern(Match.SUBSTRING, "cdn"), "net", "x.net.example"),
    "regex": (Pattern(Match.REGEX, r"(.*)\.cdn\.example\."), "{1}.q.", "x.q"),
}


@pytest.mark.parametrize(("pattern", "text", "to"), CNAMES.values(), ids=CNAMES)
def test_an_alias_may_lead_elsewhere(pattern: Pattern, text: str, to: str) -> None:
    other = record(to, Type.A, b"\x01\x02\x03\x04")
    outcome, asked = led(pattern, text, Answer(records=(other,), truncated=True))
    assert isinstance(outcome, Answer)
    assert outcome.records == (record("app.example", Type.CNAME, name_from(to), 200), other)
    assert outcome.truncated
    assert asked == [Question(name_from(to), Type.A)]


def test_an_alias_further_down_keeps_those_before_it() -> None:
    outcome, _ = led(Pattern(Match.EXACT, "y.example."), "z.test.", Answer())
    assert isinstance(outcome, Answer)
    assert outcome.records == (
        LINKS[0],
        record("x.cdn.example", Type.CNAME, name_from("z.test"), 200),
    )


def test_an_alias_that_fits_nothing_stays() -> None:
    assert led(Pattern(Match.EXACT, "nope."), "z.", Answer()) == (Answer(records=LINKS), [])


def test_what_others_know_of_the_new_target_is_waited_for() -> None:
    ask = Ask(Question(A, Type.A), Forward(servers=()), lambda answer: answer)
    outcome, _ = led(Pattern(Match.EXACT, "x.cdn.example."), "z.", ask)
    assert isinstance(outcome, Ask)
    final = outcome.then(Answer(records=(LINKS[2],)))
    assert isinstance(final, Answer)
    assert [each.type for each in final.records] == [Type.CNAME, Type.A]
