from msgspec.structs import replace

from netemu.dns.answer import FAILED, Answer
from netemu.dns.forwarding import Forward
from netemu.dns.outcome import Ask, followed
from netemu.dns.records import Question, Rcode

FORWARD = Forward(servers=(("192.0.2.53", 53),))


def truncated(answer: Answer) -> Answer:
    return replace(answer, truncated=True)


def test_what_follows_an_answer_is_done_at_once() -> None:
    assert followed(Answer(), truncated) == Answer(truncated=True)


def test_what_follows_a_question_waits_for_its_answer() -> None:
    first = Ask(Question((), 1), FORWARD, lambda _: Ask(Question((), 28), FORWARD, lambda got: got))
    outcome = followed(first, truncated)
    assert isinstance(outcome, Ask)
    second = outcome.then(Answer())
    assert isinstance(second, Ask)
    assert second.question.type == 28
    assert second.then(FAILED) == Answer(
        rcode=Rcode.SERVFAIL, authoritative=False, truncated=True, source=FAILED.source
    )
