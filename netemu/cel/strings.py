"""Functions of strings (cel-go's ext.Strings, version 2) and Kubernetes' of regular expressions."""

import re
from typing import Any, Final

from netemu.cel.errors import EvaluationError
from netemu.cel.regexes import compiled
from netemu.cel.standard import Overloads, text_of
from netemu.cel.values import kind_of


def _char_at(text: str, at: int) -> str:
    if not 0 <= at <= len(text):
        raise EvaluationError(f"index out of range: {at}")
    return text[at : at + 1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    if part and not 0 <= start <= len(text):
        raise EvaluationError(f"index out of range: {start}")
    return text.find(part, start)


def _last_index_of(text: str, part: str, end: int | None = None) -> int:
    if end is None:
        return text.rfind(part)
    if part and not 0 <= end < max(len(text), 1):
        raise EvaluationError(f"index out of range: {end}")
    return text.rfind(part, 0, end + len(part))


def _ascii(text: str, *, upper: bool) -> str:
    return "".join(
        (one.upper() if upper else one.lower()) if one.isascii() else one for one in text
    )


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    return text.replace(old, new, count)


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if count == 1:
        return [text]
    if separator:
        return text.split(separator, count - 1 if count > 0 else -1)
    return list(text) if count < 0 else [*text[: count - 1], text[count - 1 :]]


def _substring(text: str, start: int, end: int | None = None) -> str:
    end = len(text) if end is None else end
    for at in (start, end):
        if not 0 <= at <= len(text):
            raise EvaluationError(f"index out of range: {at}")
    if start > end:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {end}")
    return text[start:end]


def _join(items: list[Any], separator: str = "") -> str:
    if not all(isinstance(one, str) for one in items):
        raise EvaluationError("no such overload")
    return separator.join(items)


def _find(text: str, pattern: str) -> str:
    found = compiled(pattern).search(text)
    return "" if found is None else found[0]


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [one[0] for one in compiled(pattern).finditer(text)]
    return found if limit < 0 else found[:limit]


def _quote(text: str) -> str:
    names = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
    escaped = (
        f"\\{names[one]}" if one in names else f"\\{one}" if one in '\\"' else one for one in text
    )
    return f'"{"".join(escaped)}"'


_CLAUSE: Final = re.compile(r"%(?:\.(\d+))?(.)|%\Z", re.DOTALL)


def _format(form: str, values: list[Any]) -> str:
    left = iter(values)

    def shown(match: re.Match[str]) -> str:
        verb = match[2]
        if verb == "%":
            return "%"
        try:
            value = next(left)
        except StopIteration:
            raise EvaluationError(f"index {len(values)} out of range") from None
        return _formatted(verb, value, match[1])

    return _CLAUSE.sub(shown, form)


def _formatted(verb: str | None, value: Any, digits: str | None) -> str:
    match verb:
        case "s":
            return _text(value)
        case "d" if isinstance(value, int) and not isinstance(value, bool):
            return str(int(value))
        case "f" | "e" if isinstance(value, int | float) and not isinstance(value, bool):
            return format(float(value), f".{digits or 6}{verb}")
        case "b" if isinstance(value, int):
            return format(int(value), "b")
        case "x" | "X" | "o":
            return _based(verb, value)
        case _:
            raise _unformatted(verb, value)


def _unformatted(verb: str | None, value: Any) -> EvaluationError:
    if verb in ("d", "f", "e", "b"):
        why = f"{verb} clause can only be used on numbers, was given {kind_of(value)}"
    else:
        why = f'could not parse formatting clause: unrecognized formatting clause "{verb or ""}"'
    return EvaluationError(f"error during formatting: {why}")


def _based(verb: str, value: Any) -> str:
    if isinstance(value, int):
        return format(int(value), verb)
    data = value.encode() if isinstance(value, str) else value
    if verb == "o" or not isinstance(data, bytes):
        raise EvaluationError(f"error during formatting: no value for %{verb} in {kind_of(value)}")
    return data.hex().upper() if verb == "X" else data.hex()


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        entries = sorted((_text(key), _text(item)) for key, item in value.items())
        return f"{{{', '.join(f'{key}: {item}' for key, item in entries)}}}"
    return "null" if value is None else text_of(value)


OVERLOADS: Final[Overloads] = (
    ("charAt", "string.(int) string", _char_at),
    ("indexOf", "string.(string) int", _index_of),
    ("indexOf", "string.(string,int) int", _index_of),
    ("lastIndexOf", "string.(string) int", _last_index_of),
    ("lastIndexOf", "string.(string,int) int", _last_index_of),
    ("lowerAscii", "string.() string", lambda text: _ascii(text, upper=False)),
    ("upperAscii", "string.() string", lambda text: _ascii(text, upper=True)),
    ("replace", "string.(string,string) string", _replace),
    ("replace", "string.(string,string,int) string", _replace),
    ("split", "string.(string) list<string>", _split),
    ("split", "string.(string,int) list<string>", _split),
    ("substring", "string.(int) string", _substring),
    ("substring", "string.(int,int) string", _substring),
    ("trim", "string.() string", str.strip),
    ("join", "list<string>.() string", _join),
    ("join", "list<string>.(string) string", _join),
    ("format", "string.(list<dyn>) string", _format),
    ("strings.quote", "(string) string", _quote),
    ("find", "string.(string) string", _find),
    ("findAll", "string.(string) list<string>", _find_all),
    ("findAll", "string.(string,int) list<string>", _find_all),
)
