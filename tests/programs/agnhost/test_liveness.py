from tests.support.programs import get, running

HOST = "127.39.0.21"


def test_it_is_healthy_at_first_and_redirects() -> None:
    with running("agnhost", "liveness", host=HOST, port=8080):
        assert get(f"http://{HOST}:8080/healthz") == (200, "ok")
        assert get(f"http://{HOST}:8080/started")[1].endswith("s")
        assert get(f"http://{HOST}:8080/redirect?loc=/x")[0] == 302
