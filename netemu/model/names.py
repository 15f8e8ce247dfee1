"""Which texts may be names: of objects, labels, ports, variables, files.

Every function answers with what is wrong, in upstream's words (apimachinery's
pkg/util/validation); an empty list means that the text is fine.
"""

import re
from typing import Final

LABEL_LENGTH: Final = 63
"""Longest DNS label, and longest label value."""
SUBDOMAIN_LENGTH: Final = 253
"""Longest DNS name."""
PORT_NAME_LENGTH: Final = 15
"""Longest IANA service name (RFC 6335)."""

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_PERCENT = "[0-9]+%"
_HTTP_HEADER = "[-A-Za-z0-9]+"

_LOWER = "lower case alphanumeric characters"
_ENDS = "must start and end with an alphanumeric character"
_NAME_CHARS = f"consist of alphanumeric characters, '-', '_' or '.', and {_ENDS}"


def too_long(limit: int) -> str:
    """What is said of a text with more than `limit` characters."""
    return f"must be no more than {limit} characters"


def out_of_range(low: int, high: int) -> str:
    """What is said of a number outside the two bounds."""
    return f"must be between {low} and {high}, inclusive"


def _mismatch(rule: str, pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"


def _is(pattern: str, value: str) -> bool:
    # Go's $ matches at the end of the text only, so no newline slips through here either.
    return re.fullmatch(pattern, value) is not None


def dns_label(value: str) -> list[str]:
    """RFC 1123 label: container names, namespaces, host names."""
    problems = [too_long(LABEL_LENGTH)] if len(value) > LABEL_LENGTH else []
    if _is(_LABEL, value):
        return problems
    if _is(_SUBDOMAIN, value):
        return [*problems, "must not contain dots"]
    rule = f"a lowercase RFC 1123 label must consist of {_LOWER} or '-', and {_ENDS}"
    return [*problems, _mismatch(rule, _LABEL, "my-name", "123-abc")]


def dns_subdomain(value: str) -> list[str]:
    """RFC 1123 subdomain: the names of most objects."""
    rule = f"a lowercase RFC 1123 subdomain must consist of {_LOWER}, '-' or '.', and {_ENDS}"
    return _bounded(value, SUBDOMAIN_LENGTH, _SUBDOMAIN, rule, "example.com")


def wildcard_subdomain(value: str) -> list[str]:
    """``*.example.com``: hosts of Ingresses."""
    rule = (
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
        f"which must consist of {_LOWER}, '-' or '.' and end with an alphanumeric character"
    )
    return _bounded(value, SUBDOMAIN_LENGTH, rf"\*\.{_SUBDOMAIN}", rule, "*.example.com")


def dns_1035_label(value: str) -> list[str]:
    """RFC 1035 label: the names of Services."""
    rule = (
        f"a DNS-1035 label must consist of {_LOWER} or '-', start with an alphabetic character, "
        "and end with an alphanumeric character"
    )
    return _bounded(value, LABEL_LENGTH, _LABEL_1035, rule, "my-name", "abc-123")


def _bounded(value: str, limit: int, pattern: str, rule: str, *examples: str) -> list[str]:
    problems = [too_long(limit)] if len(value) > limit else []
    return problems if _is(pattern, value) else [*problems, _mismatch(rule, pattern, *examples)]


def qualified_name(value: str) -> list[str]:
    """``name`` or ``example.com/name``: label and annotation keys, resource names, finalizers."""
    prefix, slash, name = value.partition("/")
    shape = f"a qualified name must {_NAME_CHARS}"
    if "/" in name:
        with_prefix = f"{_mismatch(shape, _QUALIFIED, *_QUALIFIED_EXAMPLES)} {_OPTIONAL_PREFIX}"
        return [with_prefix]
    problems = []
    if not slash:
        name = prefix
    elif not prefix:
        problems.append("prefix part must be non-empty")
    else:
        problems.extend(f"prefix part {problem}" for problem in dns_subdomain(prefix))
    if not name:
        problems.append("name part must be non-empty")
    elif len(name) > LABEL_LENGTH:
        problems.append(f"name part {too_long(LABEL_LENGTH)}")
    if not _is(_QUALIFIED, name):
        rule = f"name part must {_NAME_CHARS}"
        problems.append(_mismatch(rule, _QUALIFIED, *_QUALIFIED_EXAMPLES))
    return problems


_QUALIFIED_EXAMPLES = ("MyName", "my.name", "123-abc")
_OPTIONAL_PREFIX = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"


def label_value(value: str) -> list[str]:
    """The value of a label; empty is fine."""
    rule = f"a valid label must be an empty string or {_NAME_CHARS}"
    return _bounded(value, LABEL_LENGTH, _LABEL_VALUE, rule, "MyValue", "my_value", "12345")


def port_name(value: str) -> list[str]:
    """IANA service name: names of container ports, and of targetPorts."""
    problems = [too_long(PORT_NAME_LENGTH)] if len(value) > PORT_NAME_LENGTH else []
    if not _is("[-a-z0-9]+", value):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        problems.append("must contain at least one letter (a-z)")
    if "--" in value:
        problems.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def port_number(value: int) -> list[str]:
    """A TCP or UDP port."""
    return [] if 1 <= value <= 65535 else [out_of_range(1, 65535)]


def env_name(value: str) -> list[str]:
    """The name of an environment variable: any printable ASCII but ``=`` (KEP-4369)."""
    if not value:
        return ["environment variable name must be non-empty"]
    if all(" " <= char <= "~" and char != "=" for char in value):
        return []
    rule = "a valid environment variable name must consist only of printable ASCII characters"
    return [f"{rule} other than '='"]


def c_identifier(value: str) -> list[str]:
    """An identifier of C."""
    if _is(_C_IDENTIFIER, value):
        return []
    rule = (
        "a valid C identifier must start with alphabetic character or '_', "
        "followed by a string of alphanumeric characters or '_'"
    )
    return [_mismatch(rule, _C_IDENTIFIER, "my_name", "MY_NAME", "MyName")]


def config_key(value: str) -> list[str]:
    """A key of a ConfigMap or Secret; it must do as a file name."""
    rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    problems = _bounded(
        value, SUBDOMAIN_LENGTH, _CONFIG_KEY, rule, "key.name", "KEY_NAME", "key-name"
    )
    return [*problems, *_leads_upwards(value)]


def _leads_upwards(value: str) -> list[str]:
    if value in (".", ".."):
        return [f"must not be '{value}'"]
    return ["must not start with '..'"] if value.startswith("..") else []


def percent(value: str) -> list[str]:
    """A percentage like ``25%``."""
    if _is(_PERCENT, value):
        return []
    rule = "a valid percent string must be a numeric string followed by an ending '%'"
    return [_mismatch(rule, _PERCENT, "1%", "93%")]


def http_header(value: str) -> list[str]:
    """The name of an HTTP header."""
    if _is(_HTTP_HEADER, value):
        return []
    rule = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return [_mismatch(rule, _HTTP_HEADER, "X-Header-Name")]


def path_segment(value: str) -> list[str]:
    """Whatever can be one part of a URL's path: names of kinds without a stricter rule."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{char}'" for char in "/%" if char in value]


def cut_dash(prefix: str) -> str:
    """A generateName as the rules see it: upstream turns ``x-`` at its end into a letter."""
    return f"{prefix[:-2]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix
