import pytest

from netemu.node.probe import (
    Exec,
    HttpGet,
    Outcome,
    Probe,
    Result,
    Sleep,
    Tally,
    TcpSocket,
    handler_from,
    port_number,
    probe_from,
)


def test_a_probe_with_defaults() -> None:
    found = probe_from({"readinessProbe": {"tcpSocket": {"port": "http"}}}, "readinessProbe")
    assert found == Probe(handler=TcpSocket("http"))
    assert (found.delay, found.period, found.timeout, found.failures) == (0.0, 10.0, 1.0, 3)


def test_a_probe_with_everything() -> None:
    item = {
        "httpGet": {
            "port": 80,
            "path": "ready",
            "host": "a.test",
            "scheme": "HTTPS",
            "httpHeaders": [{"name": "X-A", "value": "1"}],
        },
        "initialDelaySeconds": 5,
        "periodSeconds": 2,
        "timeoutSeconds": 3,
        "successThreshold": 4,
        "failureThreshold": 6,
        "terminationGracePeriodSeconds": 0,
    }
    get = HttpGet(port=80, path="/ready", host="a.test", scheme="https", headers=(("X-A", "1"),))
    assert probe_from({"livenessProbe": item}, "livenessProbe") == Probe(
        handler=get, delay=5, period=2, timeout=3, successes=4, failures=6, grace=0
    )


def test_no_probe() -> None:
    assert probe_from({}, "livenessProbe") is None


def test_handlers_of_hooks() -> None:
    assert handler_from({"exec": {"command": ["true"]}}) == Exec(("true",))
    assert handler_from({"sleep": {"seconds": 3}}) == Sleep(3.0)


PORTS = [{"name": "http", "containerPort": 8080}]


@pytest.mark.parametrize(("port", "number"), [(80, 80), ("http", 8080), ("81", 81)])
def test_a_port(port: int | str, number: int) -> None:
    assert port_number(port, PORTS) == number


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("web", 'strconv.Atoi: parsing "web": invalid syntax'),
        ("99999", "invalid port number: 99999"),
    ],
)
def test_a_port_that_is_none(port: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        port_number(port, PORTS)


def test_verdicts_need_results_in_a_row() -> None:
    probe = Probe(handler=Exec(()), successes=2, failures=3)
    tally, verdicts = Tally(), []
    for ok in (False, False, True, True, True, False, False, False):
        tally = tally.plus(ok)
        verdicts.append(tally.verdict(probe))
    assert verdicts == [None, None, None, True, True, None, None, False]


def test_a_warning_counts_as_success() -> None:
    assert Outcome(Result.WARNING).ok
    assert not Outcome(Result.ERROR).ok
