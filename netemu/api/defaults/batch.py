"""Defaults of Jobs and CronJobs."""

from netemu.api.defaults.parts import child, drop_zero, fill, fill_absent
from netemu.api.defaults.pod import template
from netemu.model.meta import Object

MOST_FAILURES = 2**31 - 1
"""No limit: what counts then is the limit of each index."""


def job(obj: Object) -> None:
    """A Job."""
    spec = child(obj, "spec")
    job_spec(spec)
    # Upstream labels a Job without labels like its pods.
    labels = (spec["template"].get("metadata") or {}).get("labels")
    if labels and not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(labels)


def job_spec(spec: Object) -> None:
    """A Job's spec; a CronJob's template has one, too, but gets only its pods' defaults."""
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    per_index = spec.get("backoffLimitPerIndex") is not None
    policy = spec.get("podFailurePolicy")
    fill_absent(
        spec,
        parallelism=1,
        backoffLimit=MOST_FAILURES if per_index else 6,
        completionMode="NonIndexed",
        suspend=False,
        podReplacementPolicy="TerminatingOrFailed" if policy is None else "Failed",
    )
    for rule in (policy or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            fill(pattern, status="True")
    template(child(spec, "template"))


def cron_job(obj: Object) -> None:
    """A CronJob."""
    spec = child(obj, "spec")
    fill(spec, concurrencyPolicy="Allow")
    fill_absent(spec, suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    drop_zero(spec, "timeZone")
    template(child(child(child(spec, "jobTemplate"), "spec"), "template"))
