"""Rules of Jobs and CronJobs (pkg/apis/batch/validation)."""

from collections.abc import Callable, Iterable
from typing import Final

from netemu.api.validation import field
from netemu.api.validation.apps import is_usable
from netemu.api.validation.field import SPEC, Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal, selector_literal, string_map
from netemu.api.validation.jobpolicy import failure_policy, success_policy
from netemu.api.validation.meta import (
    label_selector,
    object_meta,
    object_meta_update,
    prefixed_path,
)
from netemu.api.validation.pod import template
from netemu.model import names, schedule
from netemu.model.meta import Object
from netemu.model.selector import from_object, matches

LONGEST_CRON_NAME: Final = 52
"""A Job's name is the CronJob's and eleven characters more."""
MOST_INDEXES: Final = 100_000
"""Pods that an Indexed Job may run side by side, and indexes that may fail for good."""
_RESTART: Final = ("OnFailure", "Never")
_MODES: Final = ("NonIndexed", "Indexed")


def job(obj: Object) -> Causes:
    """A new Job."""
    spec = obj.get("spec") or {}
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _selection(obj, spec)
    yield from job_spec(spec, SPEC)
    yield from _indexed_name(obj, spec)


def _selection(obj: Object, spec: Object) -> Causes:
    selector, path = spec.get("selector"), SPEC.child("selector")
    if selector is None:
        yield field.required(path)
        return
    yield from label_selector(selector, path)
    if not is_usable(selector):
        return
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    wanted = from_object(selector)
    if wanted is None or not matches(wanted, labels):
        shown = Literal(string_map(labels))
        where = SPEC.child("template", "metadata", "labels")
        yield field.invalid(where, shown, "`selector` does not match template `labels`")


def _indexed_name(obj: Object, spec: Object) -> Causes:
    """The last pod's host name must be one (it has the index in it)."""
    count = spec.get("completions")
    if spec.get("completionMode") != "Indexed" or not count or count < 1:
        return
    host = f"{obj['metadata'].get('name', '')}-{count - 1}"
    yield from each_invalid(Path("metadata.name"), host, names.dns_label(host))


def job_spec(spec: Object, path: Path) -> Causes:
    """A Job's spec without its selector, defaulted."""
    for key in _COUNTS:
        yield from field.not_negative(path.child(key), spec.get(key))
    yield from _mode(spec, path)
    yield from _per_index(spec, path)
    yield from failure_policy(spec, path)
    yield from success_policy(spec, path)
    yield from _replacement(spec, path)
    yield from _managed_by(spec.get("managedBy"), path.child("managedBy"))
    inner, below = spec.get("template") or {}, path.child("template")
    yield from template(inner, below)
    yield from _restart(spec, inner.get("spec") or {}, below.child("spec", "restartPolicy"))


LONGEST_MANAGER: Final = 63


def _managed_by(manager: str | None, path: Path) -> Causes:
    if manager is None:
        return
    yield from prefixed_path(manager, path)
    if len(manager) > LONGEST_MANAGER:
        yield field.too_long(path, LONGEST_MANAGER)


_COUNTS: Final = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)


def _mode(spec: Object, path: Path) -> Causes:
    mode, completions = spec.get("completionMode", "NonIndexed"), spec.get("completions")
    if mode not in _MODES:
        yield field.not_supported(path.child("completionMode"), mode, sorted(_MODES))
    if mode != "Indexed":
        return
    if completions is None:
        rule = "when completion mode is Indexed"
        yield field.required(path.child("completions"), rule)
    parallelism = spec.get("parallelism") or 0
    if parallelism > MOST_INDEXES:
        rule = "must be less than or equal to 100000 when completion mode is Indexed"
        yield field.invalid(path.child("parallelism"), parallelism, rule)


def _per_index(spec: Object, path: Path) -> Causes:
    per_index, most = spec.get("backoffLimitPerIndex"), spec.get("maxFailedIndexes")
    if per_index is not None and spec.get("completionMode") != "Indexed":
        rule = "requires indexed completion mode"
        yield field.invalid(path.child("backoffLimitPerIndex"), per_index, rule)
    if most is None:
        return
    where = path.child("maxFailedIndexes")
    if per_index is None:
        yield field.required(
            path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified"
        )
    if most > (spec.get("completions") or most):
        yield field.invalid(where, most, "must be less than or equal to completions")
    if most > MOST_INDEXES:
        yield field.invalid(where, most, "must be less than or equal to 100000")


def _replacement(spec: Object, path: Path) -> Causes:
    value, where = spec.get("podReplacementPolicy"), path.child("podReplacementPolicy")
    if value is None:
        return
    allowed = ("Failed",) if spec.get("podFailurePolicy") else ("Failed", "TerminatingOrFailed")
    if value not in allowed:
        yield field.not_supported(where, value, allowed)


def _restart(spec: Object, pod: Object, path: Path) -> Causes:
    value = pod.get("restartPolicy", "")
    if value in ("", "Always"):
        shown = ", ".join(f'"{item}"' for item in _RESTART)
        yield field.required(path, f"valid values: {shown}")
    elif value not in _RESTART:
        yield field.not_supported(path, value, _RESTART)
    elif spec.get("podFailurePolicy") and value != "Never":
        rule = 'only "Never" is supported when podFailurePolicy is specified'
        yield field.invalid(path, value, rule)


def job_update(new: Object, old: Object) -> Causes:
    """An update of a Job; what its pods are made from stays."""
    yield from object_meta_update(new, old)
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    yield from job_spec(spec, SPEC)
    yield from _completions(spec, before)
    for key in ("selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex",
                "managedBy", "successPolicy"):  # fmt: skip
        if not field.same(spec.get(key), before.get(key)):
            value = spec.get(key)
            shown = selector_literal(value) if key == "selector" and value else value
            yield field.invalid(SPEC.child(key), shown, field.IMMUTABLE)
    yield from _same_template(spec, old)


def _completions(spec: Object, before: Object) -> Causes:
    """An Indexed Job may grow and shrink (KEP-3715), but only together with its parallelism."""
    count = spec.get("completions")
    if count == before.get("completions"):
        return
    path = SPEC.child("completions")
    if spec.get("completionMode") != "Indexed":
        yield field.invalid(path, count, field.IMMUTABLE)
    elif count != spec.get("parallelism"):
        rule = "can only be modified in tandem with spec.parallelism"
        yield field.invalid(path, count, rule)


_MUTABLE: Final = ("nodeSelector", "tolerations", "schedulingGates", "affinity")


def _same_template(spec: Object, old: Object) -> Causes:
    """Where pods go may change while a Job that never began is suspended (KEP-2926)."""
    inner, before = spec.get("template") or {}, (old.get("spec") or {}).get("template") or {}
    waits = old["spec"].get("suspend") and not (old.get("status") or {}).get("startTime")
    if waits:
        inner = _comparable(inner, before)
    if not field.same(inner, before):
        yield field.invalid(SPEC.child("template"), Literal("…"), field.IMMUTABLE)


def _comparable(inner: Object, before: Object) -> Object:
    """`inner` with the old values of what may change."""
    pod, had = dict(inner.get("spec") or {}), before.get("spec") or {}
    for key in _MUTABLE:
        pod.pop(key, None)
        if key in had:
            pod[key] = had[key]
    metadata = {**(inner.get("metadata") or {})}
    for key in ("labels", "annotations"):
        metadata[key] = (before.get("metadata") or {}).get(key)
    return {**inner, "metadata": metadata, "spec": pod}


def job_status(new: Object, old: Object) -> Causes:
    """A write to a Job's status."""
    yield from object_meta_update(new, old)
    status, path = new.get("status") or {}, Path("status")
    for key in ("active", "succeeded", "failed", "ready", "terminating"):
        yield from field.not_negative(path.child(key), status.get(key))


def cron_job(obj: Object) -> Causes:
    """A new CronJob."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _cron_name(obj)
    yield from _cron_spec(obj.get("spec") or {}, None)


def _cron_name(obj: Object) -> Causes:
    name = obj["metadata"].get("name", "")
    if len(name) > LONGEST_CRON_NAME:
        rule = f"must be no more than {LONGEST_CRON_NAME} characters"
        yield field.invalid(Path("metadata.name"), name, rule)


def cron_job_update(new: Object, old: Object) -> Causes:
    """An update of a CronJob."""
    yield from object_meta_update(new, old)
    yield from _cron_spec(new.get("spec") or {}, old.get("spec") or {})


def _cron_spec(spec: Object, before: Object | None) -> Causes:
    yield from _schedule(spec, before)
    for key in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        yield from field.not_negative(SPEC.child(key), spec.get(key))
    yield from _one_of(spec, "concurrencyPolicy", ("Allow", "Forbid", "Replace"))
    inner = (spec.get("jobTemplate") or {}).get("spec") or {}
    path = SPEC.child("jobTemplate", "spec")
    yield from job_spec(inner, path)
    if inner.get("manualSelector"):
        yield field.not_supported(path.child("manualSelector"), True, ("nil", "false"))
    for key in ("selector",):
        if inner.get(key) is not None:
            shown = selector_literal(inner[key])
            yield field.invalid(path.child(key), shown, "`selector` will be auto-generated")


def _one_of(spec: Object, key: str, allowed: Iterable[str]) -> Causes:
    if not spec.get(key):
        yield field.required(SPEC.child(key))
    elif spec[key] not in allowed:
        yield field.not_supported(SPEC.child(key), spec[key], allowed)


def _schedule(spec: Object, before: Object | None) -> Causes:
    text, path = spec.get("schedule", ""), SPEC.child("schedule")
    if not text:
        yield field.required(path)
        return
    if before is not None and before.get("schedule") == text:
        yield from _zone(spec, before)
        return
    if "TZ" in text:
        rule = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        yield field.invalid(path, text, rule)
    else:
        yield from _problem(schedule.parse, text, path)
    yield from _zone(spec, before)


def _zone(spec: Object, before: Object | None) -> Causes:
    zone, path = spec.get("timeZone"), SPEC.child("timeZone")
    if zone is None or (before is not None and before.get("timeZone") == zone):
        return
    if zone.lower() == "local":
        yield field.invalid(path, zone, "timeZone must be an explicit time zone as defined in "
                            "https://www.iana.org/time-zones")  # fmt: skip
    else:
        yield from _problem(schedule.zone, zone, path)


def _problem(read: Callable[[str], object], text: str, path: Path) -> Causes:
    try:
        read(text)
    except ValueError as error:
        yield field.invalid(path, text, str(error))
