"""Questions put to a server block, and what is asked of others for them: without any server."""

from dataclasses import dataclass

from msgspec.structs import replace

from netemu.dns.answer import Answer
from netemu.dns.chain import Configuration
from netemu.dns.consult import Consultation
from netemu.dns.forwarding import Forward
from netemu.dns.nodes import View
from netemu.dns.outcome import Around, Outcome
from netemu.dns.records import Question, Rcode, Record, Type, name_from
from netemu.model import resources
from netemu.model.snapshot import advance
from tests.dns.cluster import CLUSTER, answers, configured, text_of

SVC = "default.svc.cluster.local"
CLIENT = "10.244.0.5"
POD = {
    "metadata": {"namespace": "default", "name": "one"},
    "spec": {},
    "status": {"podIP": CLIENT, "phase": "Running"},
}
SNAPSHOT = advance(CLUSTER, resources.PODS, None, POD)
OUTSIDE = {"www.example.org": "192.0.2.1", "web.corp.example": "192.0.2.2"}
"""What other servers know; all else doesn't exist there."""
KUBERNETES = """kubernetes cluster.local in-addr.arpa ip6.arpa {
    fallthrough in-addr.arpa
    pods insecure
}"""
WEB = ("A 10.96.0.7",)
A, AAAA, CNAME, MX, PTR, SRV, TXT = (
    Type.A,
    Type.AAAA,
    Type.CNAME,
    Type.MX,
    Type.PTR,
    Type.SRV,
    Type.TXT,
)
NXDOMAIN, SERVFAIL, REFUSED = Rcode.NXDOMAIN, Rcode.SERVFAIL, Rcode.REFUSED


def others(question: Question, forward: Forward) -> Answer:
    """Any other server."""
    name = text_of(question.name)
    if name == "failing.example":
        return Answer(rcode=Rcode.SERVFAIL, authoritative=False)
    address = OUTSIDE.get(name.lower())
    if address is None:
        return Answer(rcode=Rcode.NXDOMAIN, authoritative=False)
    octets = bytes(map(int, address.split(".")))
    record = Record(question.name, Type.A, 60, octets)
    return Answer(records=(record,) if question.type == Type.A else (), authoritative=False)


def resolve(
    configuration: Configuration, name: str, kind: int, client: str = CLIENT
) -> tuple[Answer, list[str]]:
    """The answer, and what was asked of whom for it."""
    asked: list[str] = []
    consultation = Consultation(configuration, SNAPSHOT, View(), client, Around(port=40000))
    outcome: Outcome = consultation.outcome(Question(name_from(name), kind))
    while not isinstance(outcome, Answer):
        asked.append(f"{text_of(outcome.question.name)} {outcome.forward.servers[0][0]}")
        outcome = outcome.then(others(outcome.question, outcome.forward))
    return outcome, asked


@dataclass(frozen=True)
class Case:
    """One question to a server block for everything."""

    name: str
    lines: str
    """Of the block, before `kubernetes` and `forward`."""
    qname: str
    type: int
    answers: tuple[str, ...] = ()
    rcode: Rcode = Rcode.NOERROR
    asked: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.qname}"

    def check(self) -> None:
        """Whether it is answered so."""
        body = f"{self.lines}\n{KUBERNETES}\nforward . 192.0.2.53"
        made, asked = resolve(configured(f". {{\n{body}\n}}"), self.qname, self.type)
        assert (made.rcode, tuple(answers_of(made))) == (self.rcode, self.answers)
        assert asked == [question.replace(" U", " 192.0.2.53") for question in self.asked]
        owner = made.records[0].owner if made.records else ()
        assert not owner or text_of(owner) == self.qname, "the owner in the question's spelling"


def answers_of(answer: Answer) -> list[str]:
    """The records but for MX, which the tests' printer doesn't know."""
    return answers(replace(answer, records=tuple(r for r in answer.records if r.type != Type.MX)))


def block(*lines: str) -> Configuration:
    """One server block for everything."""
    return configured(". {\n" + "\n".join(lines) + "\n}")
