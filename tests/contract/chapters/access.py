"""Who may: tokens, reviews, roles, and acting as somebody else."""

from tests.contract.manifests import ROLE
from tests.contract.step import Step

ACCOUNT = "system:serviceaccount:{namespace}:sa"

ACCESS = (
    Step("auth can-i get pods", "^yes$"),
    Step("auth can-i --list", r"\*\.\* +\[\] +\[\] +\[\*\]"),
    Step("create serviceaccount sa", "serviceaccount/sa created"),
    Step("create token sa --duration=1h", r"^[\w-]+\.[\w-]+\.[\w-]+$", since=24),
    Step("create token nosuch", code=1, err='serviceaccounts "nosuch" not found', since=24),
    Step("create role r --verb=get --resource=pods", "role.rbac.authorization.k8s.io/r created"),
    Step("create rolebinding rb --role=r --serviceaccount={namespace}:sa", "/rb created"),
    Step("create clusterrole {namespace} --verb=list --resource=nodes", "created"),
    Step(
        "create clusterrolebinding {namespace} --clusterrole={namespace}"
        " --serviceaccount={namespace}:sa",
        "created",
    ),
    Step("describe role r", r"pods +\[\] +\[\] +\[get\]"),
    Step("get rolebinding rb -o wide", r"rb +Role/r .* +{namespace}/sa"),
    Step(f"auth can-i get pods --as={ACCOUNT}", "^yes$"),
    Step(f"auth can-i delete pods --as={ACCOUNT}", "^no", code=1),
    Step(f"auth can-i --list --as={ACCOUNT}", r"pods +\[\] +\[\] +\[get\]"),
    Step(
        f"delete pod nope --as={ACCOUNT}",
        code=1,
        err=r'\(Forbidden\): pods "nope" is forbidden: User "system:serviceaccount:{namespace}:sa"'
        ' cannot delete resource "pods" in API group "" in the namespace "{namespace}"',
    ),
    Step(f"get nodes --as={ACCOUNT}", "node-1"),
    Step(
        "auth reconcile -f -", "(?i)(role.rbac.authorization.k8s.io/)?reader reconciled", stdin=ROLE
    ),
    Step("auth whoami", "kubernetes-admin", since=28),
    Step("delete clusterrole,clusterrolebinding {namespace}", "deleted"),
)
