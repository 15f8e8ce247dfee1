"""What the server and its administrator show each other; `netemu.api.authority` makes it."""

import base64
import contextlib
import os
from pathlib import Path
from typing import Final

from msgspec import Struct


class Credentials(Struct, frozen=True):
    """What the server and its administrator need."""

    folder: Path
    ca: bytes
    admin_certificate: bytes
    admin_key: bytes

    @property
    def ca_file(self) -> Path:
        """The CA's certificate, PEM."""
        return self.folder / "ca.crt"

    @property
    def server_files(self) -> tuple[Path, Path]:
        """The server's certificate and key, PEM."""
        return self.folder / "server.crt", self.folder / "server.key"

    @property
    def token_key(self) -> Path:
        """The key that signs ServiceAccounts' tokens, PEM."""
        return token_key(self.folder)

    @property
    def admin_files(self) -> tuple[Path, Path]:
        """The administrator's certificate and key, PEM."""
        return self.folder / "admin.crt", self.folder / "admin.key"


def token_key(folder: Path) -> Path:
    """Where the key that signs tokens is, or will be."""
    return folder / "sa.key"


def load(folder: Path) -> Credentials:
    """Read credentials that were made. Raises OSError."""
    return Credentials(
        folder,
        (folder / "ca.crt").read_bytes(),
        (folder / "admin.crt").read_bytes(),
        (folder / "admin.key").read_bytes(),
    )


def context_name(instance: str) -> str:
    """What the cluster is called in a kubeconfig."""
    return "netemu" if instance == "default" else f"netemu-{instance}"


def kubeconfig(credentials: Credentials, server: str, name: str) -> str:
    """A kubeconfig for the administrator of instance `name`; `server` is the API's URL."""
    return _KUBECONFIG.format(
        name=context_name(name),
        server=server,
        ca=_base64(credentials.ca),
        certificate=_base64(credentials.admin_certificate),
        key=_base64(credentials.admin_key),
    )


def write_kubeconfig(path: Path, credentials: Credentials, *, server: str, name: str) -> None:
    """Write the kubeconfig where only its owner can read it. Raises OSError."""
    write_private(path, kubeconfig(credentials, server, name).encode())


def write_private(path: Path, content: bytes) -> None:
    """Replace a file whole; nobody else may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


_KUBECONFIG: Final = """\
apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: {name}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
current-context: {name}
preferences: {{}}
"""
