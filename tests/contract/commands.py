"""What users of kubectl type, in chapters, and what they read: on a cluster, and here.

Each chapter has a namespace of its own and its commands are run in order. ``{..}`` in an expected
output stands for anything.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One command."""

    line: str
    out: str = ""
    """What is among what it prints on stdout, as a regular expression."""
    err: str = ""
    """The same for stderr."""
    code: int = 0
    stdin: str = ""
    since: int = 0
    """The first minor version of kubectl that has it."""
    before: int = 99
    """The first that behaves otherwise."""

    @property
    def words(self) -> list[str]:
        """The arguments; a part in quotes is one."""
        found = re.findall(r"'([^']*)'|(\S+)", self.line)
        return [quoted or word for quoted, word in found]


WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: c
          image: registry.k8s.io/e2e-test-images/agnhost:2.53
          args: [netexec, --http-port=8080]
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
"""
WEB_2 = WEB.replace("agnhost:2.53", "agnhost:2.54").replace("replicas: 2", "replicas: 3")
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: p
  labels: {app: p}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: c
      image: busybox
      command: [sh, -c, "echo started; while :; do sleep 0.1; done"]
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: cm
  labels: {app: cm}
data: {a: b}
"""
DEBUGGER = ".status.ephemeralContainerStatuses[0]"

READING = (
    Step("auth can-i get pods", "yes"),
    Step("auth whoami", "kubernetes-admin", since=28),
    Step("create token default", r"\w+\.[\w-]+\.[\w-]+", since=24),
    Step("apply -f -", "deployment.apps/web created\nservice/web created", stdin=WEB),
    Step("apply -f -", "pod/p created", stdin=POD),
    Step("wait --for=condition=Ready pod/p --timeout=20s", "pod/p condition met"),
    Step("rollout status deploy/web --timeout=30s", 'deployment "web" successfully rolled out'),
    Step("cluster-info", "Kubernetes (control plane|master).* is running at"),
    Step("api-resources", r"deployments +deploy +apps/v1 +true +Deployment"),
    Step("api-versions", r"apps/v1\n"),
    Step("version -o json", '"serverVersion"'),
    Step("get pods", r"NAME +READY +STATUS +RESTARTS +AGE\np +1/1 +Running"),
    Step("get pods -o wide", r"NOMINATED NODE +READINESS GATES\np .* 10\.244\.\d+\.\d+ +node-\d"),
    Step("get pods -o json", '"kind": "List"|"kind": "PodList"'),
    Step("get pods,svc", r"service/web +ClusterIP"),
    Step("get pod/p svc/web", "pod/p .*\n[^$]*service/web"),
    Step("get pods --show-labels -l app=web", r"app=web,pod-template-hash="),
    Step("get pods --field-selector=status.phase=Running", r"\np +1/1"),
    Step("get pods -A", r"NAMESPACE +NAME"),
    Step("get pods --sort-by=.metadata.name", r"\np +1/1"),
    Step("get pods -o custom-columns=N:.metadata.name", r"^N\np\n"),
    Step("get deploy web -o jsonpath={.spec.replicas}", "^2$"),
    Step("get all", r"deployment.apps/web +2/2 +2 +2"),
    Step("get ep,endpointslices", r"endpoints/web +10\.244\.\d+\.\d+:8080,10\.244"),
    Step("get --raw /version", '"major": ?"1"'),
    Step("get events", "Scheduled"),
    Step("events", "Scheduled", since=26),
    Step("events --for pod/p", "Scheduled", since=26),
    Step("describe pod p", r"Successfully assigned"),
    Step("describe deploy web", r"ScalingReplicaSet"),
    Step("describe svc web", r"Endpoints: +10\.244\.\d+\.\d+:8080"),
    Step("describe node node-1", r"Name: +node-1\n"),
    Step("explain pods.spec.containers", r"image\s+<string>"),
    Step("explain deploy --recursive", "maxSurge"),
    Step("logs p", "^started$"),
    Step("logs p --tail=1 --since=1h --timestamps", r"^\d{4}-.*Z started$"),
    Step("logs deploy/web", "Started HTTP server on port 8080", err="Found 2 pods"),
    Step("logs -l app=p", "started"),
    Step("get pod nope", code=1, err=r'Error from server \(NotFound\): pods "nope" not found'),
)

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
    Step("set env deploy/web A=b", "deployment.apps/web env updated"),
    Step("set resources deploy/web --limits=cpu=1", "resource requirements updated"),
    Step("set selector svc/s3 app=web", "service/s3 selector updated"),
    Step("expose deploy web --name=web2 --port=80", "service/web2 exposed"),
    Step("label cm cm x=y", "configmap/cm labeled"),
    Step("label cm --all z=1", "labeled"),
    Step("annotate cm cm x=y", "configmap/cm annotate"),
    Step("apply -f -", code=1, err="datas", stdin=CONFIG.replace("\ndata:", "\ndatas:")),
)

ROLLOUT = (
    Step("apply -f -", "created", stdin=WEB),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step("set image deploy/web c=registry.k8s.io/e2e-test-images/agnhost:2.52", "image updated"),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step("rollout history deploy/web", r"REVISION +CHANGE-CAUSE\n1 .*\n2 "),
    Step("rollout history deploy/web --revision=1", "agnhost:2.53"),
    Step("rollout undo deploy/web", "deployment.apps/web rolled back"),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step("get rs -o name", r"^replicaset\S+\nreplicaset\S+$"),
    Step("rollout pause deploy/web", "deployment.apps/web paused"),
    Step("rollout resume deploy/web", "deployment.apps/web resumed"),
    Step("rollout restart deploy/web", "deployment.apps/web restarted"),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step("wait --for=condition=Available deploy/web --timeout=20s", "condition met"),
    Step("wait --for=jsonpath={.status.readyReplicas}=2 deploy/web --timeout=20s", "met", since=23),
    Step("wait --for=delete pod/nope --timeout=5s", "", since=22),
)

STREAMS = (
    Step("apply -f -", "pod/p created", stdin=POD),
    Step("apply -f -", "created", stdin=WEB),
    Step("wait --for=condition=Ready pod/p --timeout=20s", "condition met"),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step("exec p -- sh -c 'echo out; echo err >&2; exit 3'", "^out$", code=3, err="^err\n"),
    Step("exec -i p -- cat", "^typed$", stdin="typed"),
    Step("exec p -c c -- hostname", "^p$"),
    Step("exec deploy/web -- hostname", "^web-"),
    Step("exec p -- no-such-program", code=1, err=r"executable file not found in \$PATH"),
    Step("exec p -c nope -- true", code=1, err="container nope is not valid for pod p"),
    Step("exec nope -- true", code=1, err='pods "nope" not found'),
    Step(
        "run once -i --rm --restart=Never --image=busybox -- sh -c 'cat; exit 4'",
        "typed",
        code=4,
        stdin="typed",
        since=21,
    ),
    Step(
        "debug p --image=busybox --target=c --container=look -- sh -c 'echo looked; sleep 1'",
        since=23,
    ),
    Step(
        f"wait --for=jsonpath={{{DEBUGGER}.state.terminated.exitCode}}=0 pod/p --timeout=20s",
        "met",
        since=31,
    ),
    Step("logs p -c look", "^looked$", since=31),
    Step("get --raw /api/v1/namespaces/{namespace}/services/web/proxy/hostname", "^web-"),
    Step("get --raw /api/v1/namespaces/{namespace}/pods/p/proxy/", code=1, err="trying to reach"),
)

NODES = (
    Step("get nodes", r"node-1 +Ready"),
    Step("cordon node-2", "node/node-2 cordoned"),
    Step("get node node-2", "Ready,SchedulingDisabled"),
    Step("uncordon node-2", "node/node-2 uncordoned"),
    Step("taint node node-2 k=v:NoSchedule", "node/node-2 tainted"),
    Step("taint node node-2 k=v:NoSchedule-", "node/node-2 (un|modified|untainted)"),
)

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
)

NOT_YET: dict[str, str] = {}
"""What doesn't work yet, and for want of what. This list only shrinks."""

CHAPTERS: dict[str, tuple[Step, ...]] = {
    "reading": READING,
    "writing": WRITING,
    "rollout": ROLLOUT,
    "streams": STREAMS,
    "nodes": NODES,
    "deleting": DELETING,
}
