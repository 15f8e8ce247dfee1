import pytest

from netemu.programs.agnhost.flags import BadFlag, Flags, duration, parse

DEFAULTS: Flags = {"port": 80, "close": False, "timeout": 0.0, "name": "x", "on": True}

PARSED = [
    ([], {}, []),
    (["--port", "81"], {"port": 81}, []),
    (["--port=81", "rest"], {"port": 81}, ["rest"]),
    (["--close"], {"close": True}, []),
    (["--on=false"], {"on": False}, []),
    (["--timeout=1m30s"], {"timeout": 90.0}, []),
    (["--name", "--odd"], {"name": "--odd"}, []),
    (["a", "--", "--port=1"], {}, ["a", "--port=1"]),
]


@pytest.mark.parametrize(("argv", "changed", "rest"), PARSED)
def test_flags_are_taken_as_pflag_does(argv: list[str], changed: Flags, rest: list[str]) -> None:
    assert parse(argv, DEFAULTS) == ({**DEFAULTS, **changed}, rest)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--nope"], "unknown flag: --nope"),
        (["--port=x"], 'invalid argument "x" for "--port" flag'),
        (["--on=maybe"], 'invalid argument "maybe" for "--on" flag'),
        (["--timeout=5"], 'invalid argument "5" for "--timeout" flag'),
    ],
)
def test_bad_flags_are_named(argv: list[str], said: str) -> None:
    with pytest.raises(BadFlag, match=said):
        parse(argv, DEFAULTS)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0.0), ("5s", 5.0), ("100ms", 0.1), ("1h1.5s", 3601.5), (".5m", 30.0)],
)
def test_durations_are_gos(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "5x", "5s5", "-5s"])
def test_other_text_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        duration(text)
