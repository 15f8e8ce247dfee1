import asyncio

from netemu.config.settings import DnsSettings
from netemu.daemon import corefile
from netemu.model.meta import copied
from netemu.model.resources import CONFIG_MAPS, NAMESPACES
from netemu.tasks import task_group
from tests.support.api import new_registry

SETTINGS = DnsSettings(forward="")
OTHER = DnsSettings(forward="", ttl=7)


async def test_it_is_written_once_and_follows_the_settings_until_somebody_edits_it() -> None:
    async with new_registry() as registry:
        client = registry.client("test")
        await client.create(NAMESPACES, {"metadata": {"name": "kube-system"}})
        first = await corefile.prepare(client, SETTINGS)
        assert "kubernetes cluster.local" in first.value
        second = await corefile.prepare(client, OTHER)
        assert "ttl 7" in second.value
        edited = copied(client.get(CONFIG_MAPS, *corefile.KEY))
        edited["data"]["Corefile"] = ".:53 {\n    errors\n}\n"
        await client.update(CONFIG_MAPS, edited)
        assert (await corefile.prepare(client, SETTINGS)).value == ".:53 {\n    errors\n}\n"


async def test_an_edit_reaches_dns_and_a_deletion_changes_nothing() -> None:
    async with new_registry() as registry, task_group() as tasks:
        client = registry.client("test")
        await client.create(NAMESPACES, {"metadata": {"name": "kube-system"}})
        text = await corefile.prepare(client, SETTINGS)
        before = text.value
        tasks.start(corefile.follow(client, text), name="follow")
        edited = copied(client.get(CONFIG_MAPS, *corefile.KEY))
        edited["data"]["Corefile"] = "other"
        await client.update(CONFIG_MAPS, edited)
        assert await asyncio.wait_for(text.newer_than(before), 5) == "other"
        await client.delete(CONFIG_MAPS, *corefile.KEY)
        await asyncio.sleep(0.01)
        assert text.value == "other"
