"""kubectl where it is installed; where it isn't, the few things the demo needs of it."""

import json
import shutil
import ssl
import subprocess
import urllib.request
from typing import Any

from netemu.api.credentials import load
from netemu.daemon.home import Home

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
SECONDS = 10.0
PATHS = {
    "deployments": "apis/apps/v1",
    "endpointslices": "apis/discovery.k8s.io/v1",
    "pods": "api/v1",
    "services": "api/v1",
}
"""Where the API serves what the demo shows."""


def get(home: Home, api: str, resources: str, *, wide: bool = False) -> str:
    """What ``kubectl get RESOURCES [-o wide]`` prints."""
    program = shutil.which("kubectl")
    if program:
        command = [program, "--kubeconfig", str(home.kubeconfig), "get", resources]
        shown = subprocess.run(
            [*command, *(["-o", "wide"] if wide else [])],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return shown.stdout + shown.stderr
    names = resources.split(",")
    tables = [_rows(name, fetch(home, api, name, TABLE), wide, len(names) > 1) for name in names]
    return "\n\n".join(map(_aligned, tables)) + "\n"


def fetch(home: Home, api: str, resource: str, accept: str = "application/json") -> Any:
    """The objects of one resource in the default namespace. Raises OSError."""
    context = ssl.create_default_context(cafile=str(load(home.credentials).ca_file))
    context.load_cert_chain(*load(home.credentials).admin_files)
    url = f"{api}/{PATHS[resource]}/namespaces/default/{resource}"
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, context=context, timeout=SECONDS) as reply:
        return json.load(reply)


def _rows(resource: str, table: Any, wide: bool, prefixed: bool) -> list[list[str]]:
    shown = [
        index
        for index, column in enumerate(table["columnDefinitions"])
        if wide or column["priority"] == 0
    ]
    kind = f"{resource.removesuffix('s')}/" if prefixed else ""
    rows = [[table["columnDefinitions"][index]["name"].upper() for index in shown]]
    for row in table["rows"] or ():
        cells = [str(row["cells"][index]) for index in shown]
        rows.append([kind + cells[0], *cells[1:]])
    return rows


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("   ".join(cell.ljust(w) for cell, w in zip(r, widths, strict=True)) for r in rows)
    return "\n".join(line.rstrip() for line in lines)
