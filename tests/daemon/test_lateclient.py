"""Each in an interpreter of its own: here aiohttp is loaded already."""

import subprocess
import sys

START = "import sys; from netemu.daemon.lateclient import postpone_client; postpone_client()\n"


def said(script: str) -> str:
    command = [sys.executable, "-W", "error", "-c", START + script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_server_comes_without_the_client() -> None:
    script = "from aiohttp import web, http_exceptions; print(web.Server.__name__)\n"
    assert said(script + "print('aiohttp.client' in sys.modules)") == "Server\nFalse\n"


def test_the_client_comes_when_it_is_wanted() -> None:
    script = "from aiohttp import web; one = web\nimport aiohttp; print(aiohttp.__version__)\n"
    wanted = "from aiohttp import ClientSession, ClientError, web; print(ClientSession.__name__)\n"
    same = "from aiohttp.client import ClientSession as S; print(S is ClientSession, web is one)"
    version, *rest = said(script + wanted + same).splitlines()
    assert version[0].isdigit()
    assert rest == ["ClientSession", "True True"]


def test_a_name_that_does_not_exist_is_missing() -> None:
    script = "import aiohttp\ntry: aiohttp.nothing\nexcept AttributeError as error: print(error)"
    assert "no attribute" in said(script)


def test_what_is_loaded_stays() -> None:
    script = (
        "import aiohttp; one = aiohttp.ClientSession; postpone_client(); import aiohttp as two\n"
    )
    assert said(script + "print(two.ClientSession is one)") == "True\n"


def test_nothing_that_serves_wants_the_client() -> None:
    script = (
        "import netemu.daemon.cluster\nfrom netemu.late import load_all\n"
        "print(len(list(load_all())) > 10, 'aiohttp.client' in sys.modules)"
    )
    assert said(script) == "True False\n"
