import json

from tests.support.programs import get, running

HOST = "127.39.0.22"


def test_it_counts_who_wrote() -> None:
    with running("agnhost", "nettest", host=HOST, port=8080):
        sent = json.dumps({"Source": "prestop", "Dest": "x"}).encode()
        assert get(f"http://{HOST}:8080/write", "POST", sent) == (200, '{"Hostname": "pod-1"}')
        assert get(f"http://{HOST}:8080/write", "POST", b"no json")[0] == 417
        assert get(f"http://{HOST}:8080/status") == (200, "running")
        read = json.loads(get(f"http://{HOST}:8080/read")[1])
        assert (read["Hostname"], read["Received"]) == ("pod-1", {"prestop": 1})
