from pathlib import Path

from tests.support.programs import get, running

HOST = "127.37.0.21"
URL = f"http://{HOST}:8080"


def test_it_keeps_what_it_is_given(tmp_path: Path) -> None:
    env = {"NETEMU_VOLUME_DATA": str(tmp_path / "data")}
    with running("kubia_pet", host=HOST, port=8080, env=env):
        assert get(f"{URL}/data") == (200, "No data posted yet")
        assert get(f"{URL}/", "POST", b"hello") == (200, "Data stored on pod pod-1\n")
        assert get(f"{URL}/data") == (200, "hello")
    assert (tmp_path / "data" / "kubia.txt").read_text() == "hello"
    with running("kubia_pet", host=HOST, port=8080, env=env):
        assert get(f"{URL}/data") == (200, "hello")


def test_without_a_governing_service_it_has_no_peers() -> None:
    with running("kubia_pet", host=HOST, port=8080):
        status, text = get(f"{URL}/")
    assert status == 200
    assert text.startswith("You've hit pod-1\nData stored in the cluster:\n")


def test_a_name_server_that_is_away_is_told() -> None:
    env = {"NETEMU_FQDN": "pod-1.pets.default.svc.cluster.local", "NETEMU_DNS": f"{HOST}:9"}
    with running("kubia_pet", host=HOST, port=8080, env=env):
        assert "Could not look up DNS SRV records: " in get(f"{URL}/")[1]
