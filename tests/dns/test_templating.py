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
    failed = told(template, "b.example")
    assert failed is not None
    assert (failed.rcode, failed.authoritative) == (Rcode.SERVFAIL, False)


def test_who_asks_for_anything_gets_what_there_is() -> None:
    made = told(Template(type=Type.A, answers=("{{ .Name }} A 10.0.0.1",)), "a.example", 255)
    assert made is not None
    assert answers(made) == ["A 10.0.0.1"]


def test_digits_are_read_in_their_base() -> None:
    text = "{{ .Name }} 60 IN A 10.{{ parseInt .Group.b 16 8 }}.{{ parseInt .Group.b 16 9 }}.1"
    template = Template(matches=("^ip0a(?P<b>[0-9a-f]+)[.]",), answers=(text,))
    made = told(template, "ip0aff.example")
    assert made is not None
    assert answers(made) == ["A 10.255.255.1"]
    failed = told(template, "ip0a100.example")
    assert failed is not None
    assert (failed.rcode, failed.source) == (Rcode.SERVFAIL, Source.TEMPLATE)


@pytest.mark.parametrize(
    "template",
    [
        {"matches": ("(",)},
        {"answers": ("{{ .Nope }}",)},
        {"answers": ("{{ .Group.nope }}",)},
        {"answers": ("{{ parseInt .Group.nope 16 8 }}",)},
        {"authority": ('{{ if eq .Name "x" }}',)},
    ],
)
def test_what_could_only_fail_later_is_refused(template: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(BadTemplate):
        Template(**template)  # type: ignore[arg-type]  # each its own field


@pytest.mark.parametrize("section", ["answers", "additional", "authority"])
def test_what_tells_the_client_is_not_shared(section: str) -> None:
    text = ("x. TXT {{ .Remote }}",)
    for lines, shared in ((text, False), (("x. TXT y",), True)):
        made = told(Template(**{section: lines}), "a.example")  # type: ignore[arg-type]  # lines
        assert made is not None
        assert made.shared is shared


def test_a_text_that_makes_no_record_fails() -> None:
    template = Template(matches=(r"^(?P<a>.*?)[.]",), answers=("{{ .Name }} IN A {{ .Group.a }}",))
    made = told(template, "x.example")
    assert made is not None
    assert (made.rcode, made.source, made.records) == (Rcode.SERVFAIL, Source.TEMPLATE, ())


def test_an_extended_error_goes_with_it() -> None:
    made = told(Template(rcode=Rcode.NXDOMAIN, options=((15, b"\0\x15why"),)), "a.example")
    assert made is not None
    assert made.options == ((15, b"\0\x15why"),)
