"""How a Job judges its pods: podFailurePolicy (KEP-3329) and successPolicy (KEP-3998); pure."""

from collections.abc import Iterable, Set

from msgspec import Struct

from netemu.controllers.pods import phase_of
from netemu.model import indexes
from netemu.model.meta import Object, name_of, namespace_of


class Verdict(Struct, frozen=True):
    """What a failed pod means for its Job."""

    action: str
    """Count, FailIndex, FailJob, Ignore."""
    message: str = ""
    """Of FailJob: why."""

    @property
    def counts(self) -> bool:
        """Whether it is one more failure."""
        return self.action != "Ignore"


COUNT = Verdict("Count")


def judge(job: Object, pod: Object) -> Verdict:
    """The first rule that matches decides; else the failure counts."""
    policy = job["spec"].get("podFailurePolicy")
    if policy is None or phase_of(pod) != "Failed":
        return COUNT
    for number, rule in enumerate(policy.get("rules") or ()):
        why = _matching_exit(rule, pod) or _matching_condition(rule, pod)
        if why:
            action = str(rule["action"])
            return Verdict(action, f"{why} matching {action} rule at index {number}")
    return COUNT


def _matching_exit(rule: Object, pod: Object) -> str:
    wanted = rule.get("onExitCodes")
    if wanted is None:
        return ""
    status = pod.get("status") or {}
    for kind in ("containerStatuses", "initContainerStatuses"):
        for item in status.get(kind) or ():
            if wanted.get("containerName") not in (None, item["name"]):
                continue
            ended = (item.get("state") or {}).get("terminated")
            if ended is None or not (code := ended.get("exitCode") or 0):
                continue
            if (code in (wanted.get("values") or ())) == (wanted["operator"] == "In"):
                where = f"{namespace_of(pod)}/{name_of(pod)}"
                return f"Container {item['name']} for pod {where} failed with exit code {code}"
    return ""


def _matching_condition(rule: Object, pod: Object) -> str:
    for pattern in rule.get("onPodConditions") or ():
        for item in (pod.get("status") or {}).get("conditions") or ():
            wanted = pattern["type"], pattern.get("status") or "True"
            if (item["type"], item["status"]) == wanted:
                return f"Pod {namespace_of(pod)}/{name_of(pod)} has condition {item['type']}"
    return ""


def succeeded_by(job: Object, done: Set[int]) -> str:
    """Which rule of the successPolicy is met by the indexes that succeeded; "" for none."""
    rules: Iterable[Object] = (job["spec"].get("successPolicy") or {}).get("rules") or ()
    completions = job["spec"].get("completions") or 0
    for number, rule in enumerate(rules):
        text, count = rule.get("succeededIndexes"), rule.get("succeededCount")
        meant = indexes.parse(text, completions) if text is not None else frozenset(done)
        needed = count if count is not None else len(meant)
        if needed and len(meant & done) >= needed:
            return f"Matched rules at index {number}"
    return ""
