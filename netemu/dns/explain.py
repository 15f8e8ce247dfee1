"""Why a name means what it means to a client: the walk through its search list, step by step.

The answers are those that the server would give, made by the same functions from the same snapshot.
Nothing leaves the machine: a question that other servers would be asked is only told of.
"""

from typing import Final

from msgspec import Struct

from netemu.dns.answer import Answer
from netemu.dns.consult import Consultation
from netemu.dns.names import locate
from netemu.dns.outcome import Ask
from netemu.dns.presentation import data_line, rcode_name, shown, type_name
from netemu.dns.reasons import reason
from netemu.dns.records import IN, Name, Question, Rcode, Source, lowered
from netemu.dns.searching import Candidate, SearchList, candidates

_ELSEWHERE: Final = {
    Source.HOSTS: "from the static hosts",
    Source.TEMPLATE: "made by a template",
    Source.CLUSTER: "a rule of the configuration makes it a name of the cluster",
    Source.SERVER: "nobody is asked for such names (see dns.forward in the settings)",
}
_GOES_ON: Final = (Rcode.NXDOMAIN, Rcode.NOERROR, Rcode.SERVFAIL)
"""After these glibc tries the next name (res_search); NOERROR here means: without records."""


class Step(Struct, frozen=True, kw_only=True):
    """One question of the walk."""

    name: str
    type: str
    domain: str
    """The search domain behind the name, "" for the name as it is."""
    rcode: str
    """"" if other servers would be asked."""
    answers: tuple[str, ...]
    why: str


class Explanation(Struct, frozen=True, kw_only=True):
    """The whole walk."""

    name: str
    type: str
    search: tuple[str, ...]
    ndots: int
    steps: tuple[Step, ...]
    verdict: str


def explain(text: str, kind: int, search: SearchList, consultation: Consultation) -> Explanation:
    """What a client with that search list finds for the name `text`. Raises ValueError."""
    steps: list[Step] = []
    verdict = "not found: no name of the search list has such records"
    for candidate in candidates(text, search):
        question = Question(candidate.name, kind, IN)
        outcome = consultation.outcome(question)
        step = _step(candidate, question, outcome, consultation)
        steps.append(step)
        if isinstance(outcome, Ask):
            verdict = "known to other servers, if to anybody"
            break
        if _has(outcome, kind):
            verdict = f"found with question {len(steps)}"
            break
        if outcome.rcode not in _GOES_ON:
            verdict = f"not found: the resolver gives up at {outcome.rcode.name}"
            break
    return Explanation(
        name=text,
        type=type_name(kind),
        search=tuple(shown(domain) for domain in search.domains),
        ndots=search.ndots,
        steps=tuple(steps),
        verdict=verdict,
    )


def _has(answer: Answer, kind: int) -> bool:
    """Whether a resolver is content with it: there is a record of the type, behind any aliases."""
    return answer.rcode is Rcode.NOERROR and any(r.type == kind for r in answer.records)


def _step(
    candidate: Candidate, question: Question, outcome: Answer | Ask, consultation: Consultation
) -> Step:
    answer = outcome if isinstance(outcome, Answer) else None
    return Step(
        name=shown(question.name),
        type=type_name(question.type),
        domain="" if candidate.domain is None else shown(candidate.domain),
        rcode="" if answer is None else rcode_name(answer.rcode),
        answers=() if answer is None else tuple(map(data_line, answer.records)),
        why=_why(question, outcome, consultation),
    )


def _why(question: Question, outcome: Answer | Ask, consultation: Consultation) -> str:
    own = _own_reason(question.name, consultation)
    if isinstance(outcome, Ask):
        servers = ", ".join(f"{address}:{port}" for address, port in outcome.forward.servers)
        asked = lowered(outcome.question.name) != lowered(question.name)
        what = f"{shown(outcome.question.name)} would be" if asked else "would be"
        return "; ".join(filter(None, (own, f"{what} asked of {servers}")))
    if outcome.source is not Source.CLUSTER or not own:
        return _ELSEWHERE.get(outcome.source, own)
    if outcome.rcode is Rcode.NOERROR and not _has(outcome, question.type):
        return f"{own}; no {type_name(question.type)} record"
    return own


def _own_reason(name: Name, consultation: Consultation) -> str:
    """What the cluster knows of the name; "" if it isn't the cluster's."""
    low = lowered(name)
    block = consultation.configuration.block_of(low)
    if block is None or block.kubernetes is None:
        return ""
    domain = block.kubernetes.domain_of(low)
    place = locate(low, domain.zone, domain.reverse) if domain else None
    if domain is None or place is None:
        return ""
    return reason(consultation.snapshot, domain, place[1])
