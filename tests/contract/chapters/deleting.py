"""Deleting, in every way there is."""

from tests.contract.manifests import CONFIG, POD, WEB
from tests.contract.step import Step

DELETING = (
    Step("apply -f -", "created", stdin=WEB),
    Step("apply -f -", "created", stdin=POD),
    Step("apply -f -", "created", stdin=CONFIG),
    Step(
        "delete cm cm --dry-run=server",
        r'configmap "cm" deleted .*\(server dry run\)|configmap "cm" deleted \(server dry run\)',
    ),
    Step("get cm cm -o name", "configmap/cm"),
    Step("delete pod p", 'pod "p" deleted'),
    Step("delete pod p --ignore-not-found", "^$"),
    Step("delete pod p", code=1, err=r'\(NotFound\).*pods "p" not found'),
    Step("delete pods -l app=web --wait=false", 'pod "web-'),
    Step("delete deploy web --cascade=orphan", 'deployment.apps "web" deleted', since=20),
    Step("get rs -o name", "replicaset.apps/web-"),
    Step("delete rs --all --cascade=foreground", 'replicaset.apps "web-', since=20),
    Step(
        "delete cm cm --force --grace-period=0", 'configmap "cm" force deleted', err="(?i)warning"
    ),
    Step("delete svc web", 'service "web" deleted'),
    Step("apply -f -", "created", stdin=CONFIG + "---\n" + POD),
    Step(
        "delete -f -", 'configmap "cm" deleted(.*\n)+pod "p" deleted', stdin=CONFIG + "---\n" + POD
    ),
    Step("apply -f -", "created", stdin=POD),
    Step("delete pod p --now", 'pod "p" deleted'),
    Step("create configmap c2 --from-literal=a=b", "configmap/c2 created"),
    Step("delete configmap --all", 'configmap "c2" deleted'),
    Step("create namespace {namespace}-2", "created"),
    Step("create configmap c -n {namespace}-2 --from-literal=a=b", "created"),
    Step("delete ns {namespace}-2", 'namespace "{namespace}-2" deleted'),
    Step("get cm c -n {namespace}-2", code=1, err=r'\(NotFound\): (configmaps|namespaces) "'),
)
