"""``kubernetes``, ``autopath`` and ``transfer``: the cluster's own zones."""

from collections.abc import Mapping
from functools import partial

from netemu.dns.chain import Autopath, Kubernetes, Transfer
from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.domain import Domain, PodNames
from netemu.dns.forwarding import Zones
from netemu.dns.names import IN_ADDR, IP6
from netemu.dns.plugins.draft import Draft
from netemu.dns.plugins.words import fallthrough, flag, one_number, options, words, zones
from netemu.dns.records import within
from netemu.dns.world import search_domains
from netemu.model.selector import EVERYTHING, Selector

TTL = 5
"""Seconds, when it isn't said (CoreDNS' default)."""
LONGEST_TTL = 3600
NEEDLESS = (
    "resyncperiod",
    "endpoint",
    "tls",
    "kubeconfig",
    "startup_timeout",
    "apiserver_qps",
    "apiserver_burst",
    "apiserver_max_inflight",
)
"""How CoreDNS reaches its API server; here the cluster is in the same process."""


def read_kubernetes(line: Line, draft: Draft) -> None:
    """Domains and reverse trees, and how their names are answered."""
    given = options(
        line,
        {
            "pods": _pods,
            "ttl": one_number(0, LONGEST_TTL),
            "fallthrough": fallthrough,
            "namespaces": lambda option: frozenset(words(option, 1)),
            "noendpoints": flag,
            "ignore": _ignore,
            "endpoint_pod_names": flag,
            **dict.fromkeys(NEEDLESS, partial(_needless, draft)),
            "labels": _selector,
            "namespace_labels": _selector,
            "zonal": flag,
            "multicluster": _multicluster,
        },
    )
    _check_together(line, given)
    every = zones(line, line.words, draft.zones)
    reverse = tuple(z for z in every if within(z, IN_ADDR) or within(z, IP6))
    forward = tuple(zone for zone in every if zone not in reverse)
    if () in forward or not forward:
        raise BadCorefile(line.number, "kubernetes needs a zone of its own, like cluster.local")
    draft.kubernetes = Kubernetes(
        domains=tuple(
            Domain(
                zone,
                given.get("ttl", [TTL])[-1],
                pods=given.get("pods", [PodNames.DISABLED])[-1],
                reverse=reverse,
                namespaces=frozenset().union(*given.get("namespaces", [])),
                endpoints="noendpoints" not in given,
                ignore_empty="ignore" in given,
                pod_names="endpoint_pod_names" in given,
                labels=given.get("labels", [EVERYTHING])[-1],
                namespace_labels=given.get("namespace_labels", [EVERYTHING])[-1],
                zonal="zonal" in given,
            )
            for zone in forward
        ),
        reverse=reverse,
        passed=given.get("fallthrough", [()])[-1],
    )


def _pods(line: Line) -> PodNames:
    (word,) = words(line, 1, 1)
    if word not in list(PodNames):
        raise BadCorefile(line.number, f'pods is disabled, insecure or verified, not "{word}"')
    return PodNames(word)


def _ignore(line: Line) -> bool:
    (word,) = words(line, 1, 1)
    if word != "empty_service":
        raise BadCorefile(line.number, f'ignore knows empty_service, not "{word}"')
    return True


def _needless(draft: Draft, line: Line) -> None:
    draft.remark(line, f"{line.name} has no effect: the cluster is right here")


def _selector(line: Line) -> Selector:
    from netemu.model.selectorparser import parse  # late: few Corefiles have selectors

    text = " ".join(words(line, 1))
    try:
        return parse(text)
    except ValueError as error:
        why = f"unable to parse label selector value: '{text}': {error}"
        raise BadCorefile(line.number, why) from error


def _check_together(line: Line, given: Mapping[str, object]) -> None:
    if "namespaces" in given and "namespace_labels" in given:
        raise BadCorefile(line.number, "namespaces and namespace_labels cannot both be set")
    if "zonal" in given and "noendpoints" in given:
        why = "zonal requires the endpoint cache; remove noendpoints"
        raise BadCorefile(line.number, why)


def _multicluster(line: Line) -> None:
    why = "kubernetes: multicluster is not supported: there is one cluster and no ServiceImport"
    raise BadCorefile(line.number, why)


def read_autopath(line: Line, draft: Draft) -> None:
    """``autopath [ZONE…] @kubernetes`` or a file like ``/etc/resolv.conf``."""
    *where, how = words(line, 1)
    if how.startswith("@") and how != "@kubernetes":
        raise BadCorefile(line.number, f'autopath knows @kubernetes, not "{how}"')
    options(line, {})
    search = None if how.startswith("@") else _searches(line, how, draft)
    draft.autopath = Autopath(zones=zones(line, where, draft.zones), search=search)


def _searches(line: Line, path: str, draft: Draft) -> Zones:
    draft.files.append(path)
    try:
        found = zones(line, search_domains(draft.world.read(path)), ())
    except OSError as error:
        why = f"autopath: cannot read {path}: {error.strerror}"
        raise BadCorefile(line.number, why) from error
    if not found:
        raise BadCorefile(line.number, f"autopath: {path} has no search list")
    return (*found, ())


def read_transfer(line: Line, draft: Draft) -> None:
    """``transfer [ZONE…] { to ADDRESS… }``."""
    given = options(line, {"to": lambda option: words(option, 1)})
    clients = [client for many in given.get("to", []) for client in many]
    if not clients:
        raise BadCorefile(line.number, "transfer needs to whom: to ADDRESS… or to *")
    every = "*" in clients
    draft.transfer = Transfer(
        zones=zones(line, line.words, draft.zones),
        clients=None if every else frozenset(clients),
    )
