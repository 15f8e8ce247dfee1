import pytest

from netemu.dns.answer import Answer
from netemu.dns.records import Question, Rcode, Source, Type, name_from
from netemu.dns.templating import BadTemplate, Template
from tests.dns.cluster import answers, text_of


def told(template: Template, name: str, kind: int = Type.A) -> Answer | None:
    return template.answer(Question(name_from(name), kind), "10.244.0.5")


def test_every_field_has_its_value() -> None:
    fields = [".Name", ".Question.Name", ".Class", ".Type", ".Zone", ".Remote", ".Group.x"]
    text = " ".join(f"{{{{ {field} }}}}" for field in fields)
    text += ' {{index .Match 0}} {{ index .Group "x" }}'
    template = Template(
        zones=(name_from("example"),), matches=("^(?P<x>a)",), answers=(f'x. TXT "{text}"',)
    )
    made = told(template, "A.example", 65)
    assert made is not None
    (record,) = made.records
    assert isinstance(record.data, bytes)
    assert record.data[1:] == b"a.example. a.example. IN TYPE65 example. 10.244.0.5 a a a"
    assert (made.source, made.shared) == (Source.TEMPLATE, False)


def test_the_owner_is_spelled_as_in_the_question() -> None:
    made = told(Template(answers=("{{ .Name }} 5 IN A 10.0.0.1",)), "A.Example")
    assert made is not None
    assert text_of(made.records[0].owner) == "A.Example"
    assert answers(made) == ["A 10.0.0.1"]
    assert made.shared


def test_what_doesnt_concern_it_is_left_alone() -> None:
    template = Template(type=Type.A, zones=(name_from("example"),), matches=("^a[.]",))
    assert told(template, "a.example", Type.AAAA) is None
    assert told(template, "a.org") is None
    denied = told(template, "b.example")
    assert denied is not None
    assert denied.rcode is Rcode.NXDOMAIN


@pytest.mark.parametrize(
    "template",
    [
        {"matches": ("(",)},
        {"answers": ("{{ .Nope }}",)},
        {"answers": ("{{ .Group.nope }}",)},
        {"authority": ('{{ if eq .Name "x" }}',)},
    ],
)
def test_what_could_only_fail_later_is_refused(template: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(BadTemplate):
        Template(**template)  # type: ignore[arg-type]  # each its own field
