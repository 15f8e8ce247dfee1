"""The real kubectl and kinds that come while the server runs."""

import json

from tests.support.crontabs import GROUP, crontab, definition, version
from tests.support.kubectl import Kubectl


async def test_a_kind_from_its_definition_to_its_end(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", "-", stdin=json.dumps(definition()))
    name = f"crontabs.{GROUP}"
    await kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=5s")
    said = await kubectl("apply", "-f", "-", stdin=json.dumps(crontab()))
    assert said.out == f"crontab.{GROUP}/c created\n"
    said = await kubectl("apply", "-f", "-", stdin=json.dumps(crontab(replicas=2)))
    assert said.out == f"crontab.{GROUP}/c configured\n"
    head, row = (await kubectl("get", "ct")).out.splitlines()
    assert head.split() == ["NAME", "SPEC", "REPLICAS", "AGE"]
    assert row.startswith("c      * * * * */5   2")
    await kubectl("scale", "ct/c", "--replicas=3")
    said = await kubectl("get", "crontab", "c", "-o=jsonpath={.spec.replicas}")
    assert said.out == "3"
    assert "replicas\t<integer>" in (await kubectl("explain", "crontab.spec")).out
    assert "Cron Spec:  * * * * */5" in (await kubectl("describe", "ct", "c")).out
    bad = crontab(replicas=99)
    said = await kubectl("apply", "-f", "-", stdin=json.dumps(bad), fails=True)
    assert "spec.replicas in body should be less than or equal to 10" in said.err
    unknown = crontab(x=1)
    said = await kubectl("apply", "-f", "-", stdin=json.dumps(unknown), fails=True)
    assert 'unknown field "spec.x"' in said.err
    server_side = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    await kubectl(*server_side, stdin=json.dumps(crontab(replicas=5)))
    await kubectl("delete", "ct", "c")


async def test_a_kind_of_several_versions(kubectl: Kubectl) -> None:
    older = version("v1beta1", storage=False, additionalPrinterColumns=[])
    await kubectl("apply", "-f", "-", stdin=json.dumps(definition(version(), older)))
    await kubectl("apply", "-f", "-", stdin=json.dumps(crontab(extra={"a": 1})))
    said = await kubectl("get", f"crontabs.v1beta1.{GROUP}", "c", "-o=jsonpath={.apiVersion}")
    assert said.out == f"{GROUP}/v1beta1"
    assert (await kubectl("get", f"crontabs.v1beta1.{GROUP}")).out.split()[:2] == ["NAME", "AGE"]
    again = {**crontab("d"), "apiVersion": f"{GROUP}/v1beta1"}
    await kubectl("apply", "-f", "-", stdin=json.dumps(again))
    said = await kubectl("get", "ct", "d", "-o=jsonpath={.apiVersion} {.spec.image}")
    assert said.out == f"{GROUP}/v1 busybox"
    versions = await kubectl("explain", "crontab", f"--api-version={GROUP}/v1beta1")
    assert "VERSION:    v1beta1" in versions.out
    await kubectl(
        "patch", "ct", "c", "--subresource=status", "--type=merge", '-p={"status":{"replicas":2}}'
    )
    said = await kubectl("get", "ct", "c", "-o=jsonpath={.status.replicas} {.metadata.generation}")
    assert said.out == "2 1"
    await kubectl("patch", "ct", "c", "--type=merge", '-p={"status":{"replicas":7}}')
    said = await kubectl("get", "ct", "c", "-o=jsonpath={.status.replicas}")
    assert said.out == "2"
