"""A request and its answer as the handlers know them: no sockets, no HTTP library."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from netemu.api.duplex import Duplex
from netemu.api.gonumbers import parse_int
from netemu.model.errors import ApiError, Cause, Invalid

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"

_encode = msgspec.json.Encoder().encode

Headers: TypeAlias = Sequence[tuple[str, str]]
CREDENTIAL_ID: Final = "authentication.kubernetes.io/credential-id"
"""In a user's extra: which token or certificate it was."""


@dataclass(frozen=True, slots=True)
class User:
    """Who asks, as the client certificate or the token says."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, its body read."""

    method: str
    path: str
    """Percent-decoded."""
    query: Mapping[str, str] = field(default_factory=dict)
    """The first value of each parameter."""
    parameters: Sequence[tuple[str, str]] = ()
    """All of them."""
    target: str = ""
    """Path and query, as they were sent."""
    headers: Headers = ()
    """All of them, for who passes them on."""
    accept: str = ""
    content_type: str = ""
    user_agent: str = ""
    if_none_match: str = ""
    body: bytes = b""
    user: User | None = None
    """None: nobody knows who asks."""
    upgrade: str = ""
    """The protocol that the client wants to go on with instead of HTTP."""
    protocols: Sequence[str] = ()
    """What it wants to speak inside that, best first."""

    def values(self, name: str) -> list[str]:
        """Every value of a parameter."""
        return [value for key, value in self.parameters if key == name]

    @property
    def manager(self) -> str:
        """The field manager: the one that was named, else the program that asks.

        Raises Invalid for a name that is too long or can't be printed.
        """
        named = self.query.get("fieldManager")
        if named and (causes := _manager_problems(named)):
            raise Invalid("meta.k8s.io", _OPTIONS.get(self.method, "ListOptions"), "", causes)
        return named or self.user_agent.partition("/")[0][:128] or "unknown"

    @property
    def dry_run(self) -> bool:
        """Whether nothing may be stored. Raises Invalid for a value nobody knows."""
        given = self.values("dryRun") or [self.query.get("dryRun", "")]
        if any(value not in ("", "All") for value in given):
            raise bad_option("dryRun", unknown_dry_run(given), self.method)
        return "All" in given

    def flag(self, name: str) -> bool:
        """A boolean parameter; present without a value means true, as in Go's decoder."""
        return is_true(self.query.get(name, "false"))

    def number(self, name: str) -> int | None:
        """A whole number, or None. Raises BadRequest."""
        text = self.query.get(name)
        return None if text is None else parse_int(text)


_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}


def is_true(text: str) -> bool:
    """What a boolean parameter says: all but 0 and false is yes (as Go's decoder reads them)."""
    return text.lower() not in ("false", "0")


LONGEST_MANAGER: Final = 128
"""Bytes in the name of a field manager."""


def _manager_problems(name: str) -> list[Cause]:
    causes = []
    if len(name.encode()) > LONGEST_MANAGER:
        said = f"Too long: may not be more than {LONGEST_MANAGER} bytes"
        causes.append(Cause("FieldValueTooLong", said, "fieldManager"))
    at = 0
    for letter in name:
        if not letter.isprintable():
            shown = msgspec.json.encode(name).decode()
            said = (
                f"Invalid value: {shown}: invalid character U+{ord(letter):04X} (at position {at})"
            )
            causes.append(Cause("FieldValueInvalid", said, "fieldManager"))
        at += len(letter.encode())
    return causes


def unknown_dry_run(given: Sequence[str]) -> str:
    """What is said of a ``dryRun`` that nobody knows."""
    shown = ", ".join(f'"{value}"' for value in given)
    return f'Unsupported value: []string{{{shown}}}: supported values: "All"'


def bad_option(name: str, message: str, method: str) -> Invalid:
    """The refusal of a query parameter."""
    cause = Cause("FieldValueNotSupported", message, name)
    return Invalid("meta.k8s.io", _OPTIONS.get(method, "ListOptions"), "", [cause])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole response."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Headers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A response that goes on; its headers are sent at once, each piece when it is there."""

    pieces: AsyncGenerator[bytes, None]
    content_type: str = JSON
    may_refuse: bool = False
    """The first piece may be an ApiError; then that is the answer."""


class Transport(StrEnum):
    """What a connection can go on with; the values are those of the Upgrade header."""

    WEBSOCKET = "websocket"
    SPDY = "SPDY/3.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """The connection leaves HTTP; it ends when `run` returns."""

    transport: Transport
    protocol: str
    """Which of the client's protocols is spoken."""
    run: Callable[[Duplex], Awaitable[None]]


Put: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Sends the next piece."""


class Asker(Protocol):
    """Who gets another server's answer: one of these is called, once."""

    async def begin(self, status: int, headers: Headers) -> Put:
        """Send status and headers."""

    async def switch(self, head: bytes) -> Duplex:
        """Send that the protocol changes; the connection from there on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Another server's answer; it is over when `run` returns.

    What `run` raises before it begins is the answer.
    """

    run: Callable[[Asker], Awaitable[None]]


def json_answer(value: Any, status: int = 200, headers: Headers = ()) -> Answer:
    """Compact JSON and a newline, as Go's encoder writes it."""
    return Answer(body=_encode(value) + b"\n", status=status, headers=headers)


def raw_answer(raw: bytes, status: int = 200, headers: Headers = ()) -> Answer:
    """An object that is encoded already."""
    return Answer(body=raw + b"\n", status=status, headers=headers)


def error_answer(error: ApiError) -> Answer:
    """The Status of a refusal."""
    return json_answer(error.status(), error.code)


def warning_headers(warnings: Sequence[str]) -> Headers:
    """``Warning`` headers (RFC 7234 §5.5; code 299), which kubectl prints."""
    return [("Warning", f'299 - "{_quoted(text)}"') for text in warnings]


def _quoted(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')
