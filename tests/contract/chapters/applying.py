"""apply: pruned, by the server, by several managers in conflict."""

from tests.contract.manifests import CONFIG
from tests.contract.step import Step

OTHER = CONFIG.replace("a: b", "a: c")
MORE = CONFIG.replace("a: b", "zed: w")
ONE = CONFIG.replace("name: cm", "name: one")
TWO = CONFIG.replace("name: cm", "name: two")

APPLYING = (
    Step("apply --server-side -f -", "configmap/cm serverside-applied", stdin=CONFIG),
    Step("apply --server-side -f -", "configmap/cm serverside-applied", stdin=CONFIG),
    Step(
        "apply --server-side --field-manager=other -f -",
        code=1,
        err=r'Apply failed with 1 conflict: conflict with "kubectl"(.*\n)*.*\.data\.a(.*\n)+'
        ".*Please review the fields above",
        stdin=OTHER,
    ),
    Step("get cm cm -o jsonpath={.data.a}", "^b$"),
    Step(
        "apply --server-side --field-manager=other --force-conflicts -f -",
        "serverside-applied",
        stdin=OTHER,
    ),
    Step("get cm cm -o jsonpath={.data.a}", "^c$"),
    Step(
        "apply --server-side --field-manager=third -f -",
        "serverside-applied",
        stdin=MORE,
    ),
    Step("get cm cm -o jsonpath={.data.a}{.data.zed}", "^cw$"),
    Step(
        "get cm cm -o jsonpath={.metadata.managedFields[*].manager} --show-managed-fields",
        "other.*third|third.*other",
        since=21,
    ),
    Step("apply --server-side --dry-run=server -f -", code=1, err="conflict", stdin=CONFIG),
    Step(
        "diff --server-side -f -", code=1, out=r"^\+  c: d$", stdin=MORE.replace("zed: w", "c: d")
    ),
    # What was applied by the client first is taken over by the server's way, its fields and all.
    Step("apply -f -", "configmap/two created", stdin=TWO),
    Step(
        "apply --server-side -f -",
        "configmap/two serverside-applied",
        stdin=TWO,
    ),
    Step("apply -f -", "configured", stdin=TWO.replace("a: b", "a: c")),
    # What isn't among what is applied goes.
    Step("apply -f -", "created", stdin=ONE),
    Step(
        "apply --prune -l app=cm -f -",
        r"configmap/one unchanged\n(.*\n)*configmap/two pruned",
        since=25,  # before, it asks for kinds that no server has any more
        stdin=ONE,
    ),
    Step("get cm -l app=cm -o name", "^configmap/one$", since=25),
    Step("apply view-last-applied cm/one", "kind: ConfigMap"),
    Step("apply set-last-applied -f -", "configured", stdin=ONE),
)
