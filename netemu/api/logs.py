"""Which part of which container's log a request wants; pure."""

from collections.abc import Iterable

from netemu.api.request import Request
from netemu.clock import parse_rfc3339
from netemu.model.errors import BadRequest, Cause, Invalid
from netemu.model.meta import Object, name_of
from netemu.model.streams import LogOptions


def log_options(pod: Object, request: Request, now: float) -> LogOptions:
    """Read the query of ``pods/log``. Raises BadRequest, Invalid."""
    tail, limit = request.number("tailLines"), request.number("limitBytes")
    seconds, time = request.number("sinceSeconds"), request.query.get("sinceTime")
    causes = list(_broken_rules(tail, limit, seconds, time))
    if causes:
        raise Invalid("", "PodLogOptions", name_of(pod), causes)
    return LogOptions(
        container=container_of(pod, request.query.get("container", "")),
        follow=request.flag("follow"),
        previous=request.flag("previous"),
        since=_since(seconds, time, now),
        tail_lines=tail,
        limit_bytes=limit,
        timestamps=request.flag("timestamps"),
    )


def _broken_rules(
    tail: int | None, limit: int | None, seconds: int | None, time: str | None
) -> Iterable[Cause]:
    if tail is not None and tail < 0:
        yield _too_small("tailLines", tail, "must be greater than or equal to 0")
    if limit is not None and limit < 1:
        yield _too_small("limitBytes", limit, "must be greater than 0")
    if seconds is not None and time:
        words = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        yield Cause("FieldValueForbidden", words, "")
    elif seconds is not None and seconds < 1:
        yield _too_small("sinceSeconds", seconds, "must be greater than 0")


def _too_small(field: str, value: int, rule: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {value}: {rule}", field)


def _since(seconds: int | None, time: str | None, now: float) -> float | None:
    if time:
        try:
            return parse_rfc3339(time)
        except ValueError as error:
            raise BadRequest(str(error)) from None
    return None if seconds is None else now - seconds


def _names(pod: Object, field: str) -> list[str]:
    return [item["name"] for item in pod["spec"].get(field) or ()]


def container_of(pod: Object, asked: str) -> str:
    """The container that is asked for, or the only one. Raises BadRequest."""
    main, init = _names(pod, "containers"), _names(pod, "initContainers")
    ephemeral = _names(pod, "ephemeralContainers")
    if asked:
        if asked not in (*main, *init, *ephemeral):
            raise BadRequest(f"container {asked} is not valid for pod {name_of(pod)}")
        return asked
    if len(main) == 1 and not init and not ephemeral:
        return main[0]
    words = (
        f"a container name must be specified for pod {name_of(pod)}, "
        f"choose one of: [{' '.join(main)}]"
    )
    if init:
        words += f" or one of the init containers: [{' '.join(init)}]"
    if ephemeral:
        words += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]"
    raise BadRequest(words)
