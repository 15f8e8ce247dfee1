"""The API of a running instance by plain HTTPS: as true as kubectl, and a tenth of its time."""

import base64
import json
import ssl
import tempfile
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

SECONDS = 30
"""How long an answer may take."""


class Rest:
    """A client with the certificate of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        address = urlsplit(cluster["server"])
        context = ssl.create_default_context(cadata=_pem(cluster["certificate-authority-data"]))
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(_pem(user["client-certificate-data"]) + _pem(user["client-key-data"]))
            file.flush()
            context.load_cert_chain(file.name)
        self._connection = HTTPSConnection(
            address.hostname or "", address.port, timeout=SECONDS, context=context
        )

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def ask(self, method: str, path: str, body: Any = None, kind: str = "json") -> tuple[int, Any]:
        """The status of an answer and what it says; `kind` is json, merge-patch+json, …"""
        headers = {"Content-Type": f"application/{kind}", "Accept": "application/json"}
        data = None if body is None else json.dumps(body)
        try:
            return self._ask(method, path, data, headers)
        except (HTTPException, ConnectionError):
            self._connection.close()  # an idle one may have been closed: once more
            return self._ask(method, path, data, headers)

    def _ask(
        self, method: str, path: str, data: str | None, headers: dict[str, str]
    ) -> tuple[int, Any]:
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode()

    def get(self, path: str) -> Any:
        """What is there. Raises AssertionError."""
        return _good(self.ask("GET", path))

    def create(self, path: str, obj: Any) -> Any:
        """A new object. Raises AssertionError."""
        return _good(self.ask("POST", path, obj))

    def replace(self, path: str, obj: Any) -> Any:
        """The object as it is now. Raises AssertionError."""
        return _good(self.ask("PUT", path, obj))

    def patch(self, path: str, patch: Any, kind: str = "merge-patch") -> Any:
        """The object after a patch; `kind`: merge-patch, strategic-merge-patch, json-patch."""
        return _good(self.ask("PATCH", path, patch, f"{kind}+json"))

    def delete(self, path: str, options: Any = None) -> Any:
        """Whatever a deletion answers. Raises AssertionError."""
        return _good(self.ask("DELETE", path, options))


def _good(answer: tuple[int, Any]) -> Any:
    assert answer[0] < 300, answer
    return answer[1]


def _pem(data: str) -> str:
    return base64.b64decode(data).decode()
