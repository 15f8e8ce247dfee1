"""A question goes through the steps of its server block until one of them has an outcome.

`STEPS` is the order, CoreDNS' own. A step gives an outcome, or None to leave the question to the
next. Names of the cluster end at the step `clustered` whether they exist or not, so they never
reach `forwarded`, dead or alive.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from netemu.dns.answer import REFUSED, TRANSFERS, Answer, answer
from netemu.dns.chain import Block, Configuration, Kubernetes
from netemu.dns.forwarding import Forward
from netemu.dns.nodes import View
from netemu.dns.outcome import Around, Ask, Outcome, followed
from netemu.dns.records import (
    IN,
    Name,
    Question,
    Rcode,
    Record,
    Type,
    lowered,
    within,
)
from netemu.model.snapshot import Snapshot

HOP_BY_HOP = (10, 11, 12)
"""Options between a client and us alone: cookies, keepalive, padding (RFC 7873, 7828, 7830)."""
DEEPEST = 8
"""Times that an alias may lead out of one block into another, ourselves included."""


class Consultation(Struct, frozen=True):
    """All that an outcome depends on besides the question."""

    configuration: Configuration
    snapshot: Snapshot
    view: View
    client: str
    """Address of who asks."""
    around: Around = Around()
    """What else rules may want to know."""
    depth: int = 0

    def outcome(self, question: Question) -> Outcome:
        """What comes of `question`."""
        block = self.configuration.block_of(lowered(question.name))
        if block is None or self.depth > DEEPEST:
            return REFUSED
        return self.go_on(block, question, 0)

    def go_on(self, block: Block, question: Question, first: int) -> Outcome:
        """What comes of it from the step with number `first` on."""
        for number in range(first, len(STEPS)):
            outcome = STEPS[number](self, block, question, number + 1)
            if outcome is not None:
                return outcome
        return REFUSED


Step: TypeAlias = Callable[[Consultation, Block, Question, int], Outcome | None]
"""The last argument is the number of the next step."""


def _rewritten(
    consultation: Consultation, block: Block, question: Question, after: int
) -> Outcome | None:
    if not block.rewrites:
        return None
    from netemu.dns.rewriting import rewritten

    further = replace(consultation, depth=consultation.depth + 1)
    around = replace(consultation.around, client=consultation.client, lookup=further.outcome)
    if block.rewrites_options:
        told = tuple(option for option in around.options if option[0] not in HOP_BY_HOP)
        question = replace(question, options=told)
    changed, mends = rewritten(block.rewrites, question, around)
    if not mends:
        return None
    outcome = consultation.go_on(block, changed, after)
    for mend in mends:
        outcome = followed(outcome, mend)
    return outcome


def _limited(_: Consultation, __: Block, question: Question, ___: int) -> Outcome | None:
    """Only the Internet class is served; transfers are no answers (see `transfer`)."""
    return REFUSED if question.klass != IN or question.type in TRANSFERS else None


def _autopathed(
    consultation: Consultation, block: Block, question: Question, after: int
) -> Outcome | None:
    if block.autopath is None:
        return None
    name = lowered(question.name)
    if not any(within(name, zone) for zone in block.autopath.zones):
        return None
    search = block.autopath.search or _search_list(consultation, block.kubernetes)
    if not search or not within(name, search[0]) or name == search[0]:
        # Others get what the pods don't, so a denial here must not be kept for everybody.
        return followed(consultation.go_on(block, question, after), _private_if_denied)
    base = question.name[: len(name) - len(search[0])]
    names = [question.name, *((*base, *domain) for domain in search[1:])]
    return _walked(consultation, block, question, after, names)


def _search_list(consultation: Consultation, kubernetes: Kubernetes | None) -> list[Name]:
    """What the pod that asks has in its ``resolv.conf``, and at last the bare name."""
    pod = consultation.snapshot.pods.get(consultation.client)
    if pod is None or kubernetes is None or not kubernetes.domains:
        return []
    zone = kubernetes.domains[0].zone
    own = (pod.namespace.encode(), b"svc", *zone)
    return [own, (b"svc", *zone), zone, ()]


def _walked(
    consultation: Consultation, block: Block, question: Question, after: int, names: list[Name]
) -> Outcome:
    def step(number: int, first: Answer | None) -> Outcome:
        asked = replace(question, name=names[number])

        def judge(found: Answer) -> Outcome:
            if found.rcode is Rcode.NOERROR:
                return found if number == 0 else _aliased(question.name, asked.name, found)
            if number + 1 < len(names):
                return step(number + 1, first or found)
            return replace(first or found, shared=False)

        return followed(consultation.go_on(block, asked, after), judge)

    return step(0, None)


def _aliased(asked: Name, found: Name, answer: Answer) -> Answer:
    """The answer to a name further down the search list, led to by an alias."""
    if not answer.records:
        return replace(answer, shared=False, walked=True)
    ttl = min(record.ttl for record in answer.records)
    alias = Record(asked, Type.CNAME, ttl, found)
    records = (alias, *answer.records)
    return replace(answer, records=records, shared=False, walked=True)


def _private_if_denied(answer: Answer) -> Answer:
    return replace(answer, shared=False) if answer.rcode is Rcode.NXDOMAIN else answer


def _templated(
    consultation: Consultation, block: Block, question: Question, _: int
) -> Outcome | None:
    for template in block.templates:
        made = template.answer(question, consultation.client)
        if made is not None:
            return _led_on(consultation, made, question.type)
    return None


def _led_on(consultation: Consultation, made: Answer, kind: int) -> Outcome:
    """What a template says and, if that ends with an alias, what this stands for."""
    end = made.records[-1] if made.records else None
    if end is None or end.type != Type.CNAME or kind == Type.CNAME:
        return made
    assert isinstance(end.data, tuple)  # as of each CNAME
    return _chased(consultation, replace(made, elsewhere=end.data), kind)


def _hosted(_: Consultation, block: Block, question: Question, __: int) -> Outcome | None:
    if block.hosts is None:
        return None
    from netemu.dns.statichosts import hosted_answer

    return hosted_answer(block.hosts, question)


def _clustered(
    consultation: Consultation, block: Block, question: Question, after: int
) -> Outcome | None:
    if block.kubernetes is None:
        return None
    name = lowered(question.name)
    domain = block.kubernetes.domain_of(name)
    if domain is None:
        return None
    made = answer(consultation.snapshot, question, domain, consultation.view)
    if made.records and made.elsewhere is not None:
        return _chased(consultation, made, question.type)
    if made.rcode is Rcode.NXDOMAIN and any(within(name, z) for z in block.kubernetes.passed):
        passed = consultation.go_on(block, question, after)
        return made if passed is REFUSED else passed
    return made


def _chased(consultation: Consultation, made: Answer, kind: int) -> Outcome:
    """The end of a chain of aliases that leads out of the zone: its records after the links."""
    assert made.elsewhere is not None
    further = replace(consultation, depth=consultation.depth + 1)

    def joined(found: Answer) -> Answer:
        others = (record for record in found.records if record not in made.records)
        # A target that nobody can tell of: the alias alone is more use than a failure.
        known = found.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN)
        return replace(
            made,
            rcode=found.rcode if known else Rcode.NOERROR,
            records=(*made.records, *others),
            authority=found.authority,
            truncated=found.truncated,
            elsewhere=None,
            parts=(*made.parts, *found.parts),
            shared=made.shared and found.shared,
            source=found.source if known else made.source,
        )

    return followed(further.outcome(Question(made.elsewhere, kind)), joined)


def _forwarded(_: Consultation, block: Block, question: Question, __: int) -> Outcome | None:
    name = lowered(question.name)
    return _asked_of([each for each in block.forwards if each.serves(name)], question)


def _asked_of(forwards: Sequence[Forward], question: Question) -> Outcome | None:
    """Ask the first, and the next if the answer's code says so."""
    if not forwards:
        return None
    first, *others = forwards

    def judge(answer: Answer) -> Outcome:
        without = answer.rcode is Rcode.NOERROR and not answer.records
        if answer.rcode in first.next or (without and first.next_on_no_data):
            return _asked_of(others, question) or answer
        return answer

    return Ask(question, first, judge)


STEPS: tuple[Step, ...] = (
    _rewritten,
    _limited,
    _autopathed,
    _templated,
    _hosted,
    _clustered,
    _forwarded,
)
"""In the order of CoreDNS' ``plugin.cfg``."""
