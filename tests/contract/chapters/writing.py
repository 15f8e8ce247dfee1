"""What one writes: create, apply, patch, edit, scale and what sets single things."""

from tests.contract.manifests import CONFIG, WEB, WEB_2
from tests.contract.step import Step


def editing(pattern: str, replacement: str) -> dict[str, str]:
    """An editor that replaces what is in a line of its own."""
    return {"KUBE_EDITOR": f"sed -i -E '0,/^  {pattern}/s//  {replacement}/'"}


WRITING = (
    Step("apply -f -", "deployment.apps/web created", stdin=WEB),
    Step("diff -f -", r"replicas: 3", code=1, stdin=WEB_2),
    Step("apply -f -", "deployment.apps/web configured\nservice/web unchanged", stdin=WEB_2),
    Step(
        "apply --dry-run=server -f -",
        r"deployment.apps/web configured \(server dry run\)",
        stdin=WEB,
    ),
    Step("apply --dry-run=client -f -", r"deployment.apps/web configured \(dry run\)", stdin=WEB),
    Step("create -f -", "configmap/cm created", stdin=CONFIG),
    Step(
        "create -f -",
        code=1,
        err=r'\(AlreadyExists\).*configmaps "cm" already exists',
        stdin=CONFIG,
    ),
    Step("replace -f -", "configmap/cm replaced", stdin=CONFIG),
    Step(
        "replace --force -f -",
        'configmap "cm" deleted.*\n(.*\n)*configmap/cm replaced',
        stdin=CONFIG,
    ),
    Step("create deployment d2 --image=busybox --replicas=0", "deployment.apps/d2 created"),
    Step("create configmap c2 --from-literal=a=b", "configmap/c2 created"),
    Step("create secret generic s2 --from-literal=a=b", "secret/s2 created"),
    Step("create service clusterip s3 --tcp=80:80", "service/s3 created"),
    Step("create service nodeport s4 --tcp=80:80", "service/s4 created"),
    Step("create serviceaccount sa", "serviceaccount/sa created"),
    Step("get secret s2 -o jsonpath={.data.a}", "^Yg==$"),
    Step("get deploy d2 -o jsonpath={.spec.replicas}", "^0$"),
    Step('patch deploy web -p {"spec":{"replicas":2}}', "deployment.apps/web patched"),
    Step(
        'patch deploy web --type=json -p [{"op":"replace","path":"/spec/replicas","value":1}]',
        "deployment.apps/web patched",
    ),
    Step('patch deploy web --type=merge -p {"spec":{"replicas":2}}', "patched"),
    Step("scale deploy web --replicas=3", "deployment.apps/web scaled"),
    Step("scale deploy web --replicas=1 --current-replicas=3", "deployment.apps/web scaled"),
    Step(
        "scale deploy web --replicas=2 --current-replicas=7",
        code=1,
        err="(?i)expected replicas to be 7",
    ),
    Step(
        'patch deploy web --subresource=scale --type=merge -p {"spec":{"replicas":2}}',
        "patched",
        since=24,
    ),
    Step("scale deploy web --replicas=9 --dry-run=server", "scaled", since=20),
    Step("get deploy web -o jsonpath={.spec.replicas}", "^[12]$"),
    Step(
        "edit deploy web", "deployment.apps/web edited", env=editing("replicas: .*", "replicas: 3")
    ),
    Step("get deploy web -o jsonpath={.spec.replicas}", "^3$"),
    Step("edit deploy web", err="Edit cancelled, no changes made", env={"KUBE_EDITOR": "true"}),
    Step("autoscale deploy web --min=1 --max=3 --cpu-percent=50", "web autoscaled"),
    Step("get hpa web", r"web +Deployment/web +.*/50% +1 +3 +\d"),
    Step("set env deploy/web A=b", "deployment.apps/web env updated"),
    Step("set resources deploy/web --limits=cpu=1", "resource requirements updated"),
    Step("set selector svc/s3 app=web", "service/s3 selector updated"),
    Step("expose deploy web --name=web2 --port=80", "service/web2 exposed"),
    Step("label cm cm x=y", "configmap/cm labeled"),
    Step("label cm --all z=1", "labeled"),
    Step("annotate cm cm x=y", "configmap/cm annotate"),
    Step("annotate cm cm x-", "configmap/cm annotate"),
    Step("label cm cm x=z", code=1, err="'x' already has a value"),
    Step("label cm cm x=z --overwrite", "configmap/cm (labeled|unlabeled|not labeled)"),
    Step("create ingress i2 --rule=a.example/*=s3:80", "ingress.networking.k8s.io/i2", since=19),
    Step("create quota q2 --hard=pods=10", "resourcequota/q2 created"),
    Step("create pdb p2 --selector=app=none --min-available=1", "p2 created", since=21),
    Step("create priorityclass {namespace} --value=5", "priorityclass.scheduling.k8s.io/"),
    Step("delete priorityclass {namespace}", "deleted"),
    Step("run r1 --image=busybox --dry-run=client -o yaml", "kind: Pod"),
    Step("run r1 --image=busybox", "pod/r1 created"),
    Step("apply -f -", code=1, err="datas", stdin=CONFIG.replace("\ndata:", "\ndatas:")),
)
