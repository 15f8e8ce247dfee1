import subprocess

from tests.support.programs import command


def test_it_says_how_it_was_called() -> None:
    words = ("entrypoint-tester", "override", "arguments")
    said = subprocess.check_output(command("agnhost", *words), text=True)
    assert said == "[/agnhost entrypoint-tester override arguments]\n"
    said = subprocess.check_output(command("agnhost", "/agnhost-2", *words[:1]), text=True)
    assert said == "[/agnhost-2 entrypoint-tester]\n"
