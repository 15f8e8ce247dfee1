"""The cluster's Corefile: the ConfigMap kube-system/coredns, which DNS follows while it is edited.

It is written from the settings once, and again when the settings change, unless somebody edited it:
then it is theirs. Deleting it changes nothing until it is there again.
"""

import hashlib

from netemu.config.settings import DnsSettings
from netemu.dns.server import first_corefile
from netemu.model.client import Client
from netemu.model.latest import Latest
from netemu.model.meta import Object, annotations_of, key_of
from netemu.model.resources import CONFIG_MAPS

KEY = ("kube-system", "coredns")
FIELD = "Corefile"
WRITTEN = "netemu.dev/written"
"""Annotation: the digest of the text that netemu wrote; another text is somebody's own."""


async def prepare(client: Client, settings: DnsSettings) -> Latest[str]:
    """See to the ConfigMap; the text to begin with. Raises OSError for an unreadable file."""
    wanted = first_corefile(settings)
    stored = client.get(CONFIG_MAPS, *KEY)
    if stored is None:
        await client.create(CONFIG_MAPS, _config_map(wanted))
    elif _is_ours(stored) and _text(stored) != wanted:
        version = stored["metadata"]["resourceVersion"]
        fresh = _config_map(wanted)
        metadata = {**stored["metadata"], **fresh["metadata"], "resourceVersion": version}
        await client.update(CONFIG_MAPS, {**stored, **fresh, "metadata": metadata})
    else:
        return Latest(_text(stored) or wanted)
    return Latest(wanted)


async def follow(client: Client, corefile: Latest[str]) -> None:
    """Give on each new text."""
    changes = client.watch(CONFIG_MAPS)
    try:
        while True:
            for change in await changes.batch():
                if change.new is not None and key_of(change.new) == KEY:
                    text = _text(change.new)
                    if text and text != corefile.value:
                        corefile.replace(text)
    finally:
        changes.close()


def _config_map(text: str) -> Object:
    namespace, name = KEY
    metadata = {"namespace": namespace, "name": name, "annotations": {WRITTEN: _digest(text)}}
    return {"metadata": metadata, "data": {FIELD: text}}


def _is_ours(stored: Object) -> bool:
    return annotations_of(stored).get(WRITTEN) == _digest(_text(stored))


def _text(config_map: Object) -> str:
    return str((config_map.get("data") or {}).get(FIELD, ""))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
