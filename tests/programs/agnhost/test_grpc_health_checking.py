"""The stand-in against the probe that asks it, which speaks real HTTP/2."""

import pytest

from netemu.node.grpc_probe import grpc_check
from netemu.node.probe import Grpc, Result
from tests.support.programs import get, running, wait_for

HOST = "127.39.0.23"


async def check(service: str = "") -> tuple[Result, str]:
    outcome = await grpc_check(Grpc(5000, service), HOST, 5000)
    return outcome.result, outcome.message


async def test_it_serves_until_it_is_told_not_to() -> None:
    with running("agnhost", "grpc-health-checking", "--service=x", host=HOST, port=8080):
        wait_for(HOST, 5000)
        assert await check() == (Result.SUCCESS, "service healthy")
        assert await check("x") == (Result.SUCCESS, "service healthy")
        assert await check("y") == (Result.FAILURE, "health rpc probe failed: unknown service")
        assert get(f"http://{HOST}:8080/make-not-serving")[0] == 200
        assert (await check())[1] == 'service unhealthy (responded with "NOT_SERVING")'
        assert get(f"http://{HOST}:8080/make-serving")[0] == 200
        assert (await check())[0] is Result.SUCCESS


@pytest.mark.parametrize("delay", ["0"])
async def test_it_can_end_serving_by_itself(delay: str) -> None:
    flag = f"--delay-unhealthy-sec={delay}"
    with running("agnhost", "grpc-health-checking", flag, host=HOST, port=8080):
        wait_for(HOST, 5000)
        assert (await check())[0] is Result.FAILURE
