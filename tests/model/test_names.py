from typing import NamedTuple

import pytest

from netemu.model import names

LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_1035 = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
QUALIFIED = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
    "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


class Case(NamedTuple):
    rule: str
    value: str
    problems: list[str]


FINE = [
    ("dns_label", "web-1"),
    ("dns_label", "1"),
    ("dns_label", "a" * 63),
    ("dns_subdomain", "web.example.com"),
    ("dns_subdomain", "a" * 253),
    ("dns_1035_label", "web-1"),
    ("qualified_name", "example.com/My_Name.x"),
    ("qualified_name", "app"),
    ("label_value", ""),
    ("label_value", "v1.2_3"),
    ("port_name", "http-2"),
    ("env_name", "MY.env-name 1"),
    ("c_identifier", "_x1"),
    ("config_key", ".bashrc"),
    ("percent", "25%"),
    ("http_header", "X-Custom"),
    ("path_segment", "Any name:at.all"),
]
CASES = [
    Case("dns_label", "Web", [LABEL]),
    Case("dns_label", "", [LABEL]),
    Case("dns_label", "web\n", [LABEL]),
    Case("dns_label", "-web", [LABEL]),
    Case("dns_label", "a.b", ["must not contain dots"]),
    Case("dns_label", "a" * 64, ["must be no more than 63 characters"]),
    Case("dns_subdomain", "web_1", [SUBDOMAIN]),
    Case("dns_subdomain", "a..b", [SUBDOMAIN]),
    Case("dns_subdomain", "a" * 254, ["must be no more than 253 characters"]),
    Case("dns_1035_label", "1web", [LABEL_1035]),
    Case("qualified_name", "", ["name part must be non-empty", f"name part {QUALIFIED}"]),
    Case("qualified_name", "/x", ["prefix part must be non-empty"]),
    Case("qualified_name", "Ex/x", [f"prefix part {SUBDOMAIN}"]),
    Case("qualified_name", "a" * 64, ["name part must be no more than 63 characters"]),
    Case(
        "qualified_name",
        "a/b/c",
        [
            (
                f"a qualified name {QUALIFIED} with an optional DNS subdomain prefix and '/' "
                "(e.g. 'example.com/MyName')"
            )
        ],
    ),
    Case("label_value", "a b", [VALUE]),
    Case("label_value", "x" * 64, ["must be no more than 63 characters"]),
    Case("port_name", "a" * 16, ["must be no more than 15 characters"]),
    Case("port_name", "80", ["must contain at least one letter (a-z)"]),
    Case("port_name", "a--b", ["must not contain consecutive hyphens"]),
    Case("port_name", "-a", ["must not begin or end with a hyphen"]),
    Case(
        "port_name",
        "Http",
        ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"],
    ),
    Case(
        "env_name",
        "A=B",
        [
            (
                "a valid environment variable name must consist only of printable ASCII characters "
                "other than '='"
            )
        ],
    ),
    Case("env_name", "", ["environment variable name must be non-empty"]),
    Case(
        "c_identifier",
        "1x",
        [
            (
                "a valid C identifier must start with alphabetic character or '_', followed by a "
                "string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or "
                "'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')"
            )
        ],
    ),
    Case("config_key", "a/b", [KEY]),
    Case("config_key", ".", ["must not be '.'"]),
    Case("config_key", "..", ["must not be '..'"]),
    Case("config_key", "..x", ["must not start with '..'"]),
    Case(
        "percent",
        "25",
        [
            (
                "a valid percent string must be a numeric string followed by an ending '%' (e.g. "
                "'1%',  or '93%', regex used for validation is '[0-9]+%')"
            )
        ],
    ),
    Case(
        "http_header",
        "X Y",
        [
            (
                "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
                "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
            )
        ],
    ),
    Case("path_segment", "a/b%", ["may not contain '/'", "may not contain '%'"]),
    Case("path_segment", "..", ["may not be '..'"]),
]


@pytest.mark.parametrize(("rule", "value"), FINE)
def test_a_sound_name_has_no_problems(rule: str, value: str) -> None:
    assert getattr(names, rule)(value) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule} {case.value[:20]!r}")
def test_a_problem_is_told_in_the_words_of_upstream(case: Case) -> None:
    assert getattr(names, case.rule)(case.value) == case.problems


def test_a_port_is_between_1_and_65535() -> None:
    assert names.port_number(1) == names.port_number(65535) == []
    assert names.port_number(0) == ["must be between 1 and 65535, inclusive"]


def test_a_dash_at_the_end_of_a_prefix_is_not_judged() -> None:
    assert names.dns_label(names.cut_dash("web-")) == []
    assert names.cut_dash("web") == "web"
