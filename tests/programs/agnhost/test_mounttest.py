import os
import subprocess
from pathlib import Path

from tests.support.programs import command


def told(*words: str) -> list[str]:
    done = subprocess.run(command("agnhost", "mounttest", *words), capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else ["failed"]


def test_it_tells_of_files(tmp_path: Path) -> None:
    file = tmp_path / "f"
    assert told(f"--new_file_0660={file}", f"--file_content={file}") == [
        f'mode of file "{file}": -rw-rw----',
        f'content of file "{file}": mount-tester new file',
        "",
    ]
    file.chmod(0o400)
    assert told(f"--file_mode={file}", f"--file_perm={file}") == [
        f'mode of file "{file}": -r--------',
        f'perms of file "{file}": -r--------',
    ]
    assert told(f"--file_owner={file}")[0] == f'owner UID of "{file}": {os.getuid()}'


def test_it_tells_of_folders_and_mounts(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert told(f"--file_perm={tmp_path}") == [f'perms of file "{tmp_path}": -rwxrwxrwx']
    assert told(f"--file_mode={tmp_path}") == [f'mode of file "{tmp_path}": dtrwxrwxrwx']
    assert told("--fs_type=/proc") == ['mount type of "/proc": proc']


def test_what_is_not_there_fails() -> None:
    assert told("--file_content=/nowhere/at/all") == ["failed"]
