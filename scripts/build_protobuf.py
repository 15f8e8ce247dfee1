"""Build netemu/api/data/protobuf.json.gz: the Kubernetes API's messages as they are on the wire.

Since kubectl 1.32 clients in Go send built-in kinds in Protocol Buffers. Descriptors of all these
messages sit, gzipped, inside any kubectl binary: its generated code registers them. This script
finds them there (the kubectl of the release that netemu serves, beside the one on PATH, else that
one itself), keeps the stable versions, and adds what no descriptor says: where the JSON of a
message differs from its fields. The output depends on nothing but the input (no time stamp, sorted
keys).

    python scripts/build_protobuf.py [KUBECTL [FILE]]
"""

import json
import re
import shutil
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from netemu.api.protowire import WireError, fields
from netemu.config.version import MINOR

OUTPUT: Final = Path(__file__).parent.parent / "netemu" / "api" / "data" / "protobuf.json.gz"

MAGIC: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
"""How the gzip member of a descriptor begins: no flags, no time."""
LARGEST: Final = 1024 * 1024
"""Bytes of one descriptor at most; core/v1 has 75 KB."""

PACKAGES: Final = re.compile(
    r"k8s\.io\.api\.(?!admission\.|apidiscovery\.)[a-z]+\.v\d+$"
    r"|k8s\.io\.api\.networking\.v1beta1$"
    r"|k8s\.io\.apimachinery\.pkg\.(api\.resource|apis\.meta\.v1|runtime|util\.intstr)$"
)
"""Packages kept: served versions of what clients write, and what these refer to."""

INLINED: Final = """
    ruleWithOperations rule localObjectReference persistentVolumeSource handler volumeSource
    ephemeralContainerCommon ingressRuleValue
"""
"""Fields whose own fields stand beside them in JSON: embedded structs (k8s.io/api, types.go)."""

RENAMED: Final[Mapping[str, str]] = {
    "BoundObjectReference.uID": "uid",
    "IngressClassParametersReference.aPIGroup": "apiGroup",
    "Validation.Expression": "expression",
    "Variable.Name": "name",
    "Variable.Expression": "expression",
    "ValidatingWebhookConfiguration.Webhooks": "webhooks",
    "MutatingWebhookConfiguration.Webhooks": "webhooks",
}
"""The fields that have another name in JSON."""

MEANT: Final = """
    activeDeadlineSeconds allocateLoadBalancerNodePorts allowPrivilegeEscalation
    allowVolumeExpansion attachRequired automountServiceAccountToken averageUtilization
    backoffLimit backoffLimitPerIndex blockOwnerDeletion collisionCount completions controller
    currentAverageUtilization currentCPUUtilizationPercentage defaultMode
    deletionGracePeriodSeconds enableServiceLinks endPort expirationSeconds
    failedJobsHistoryLimit fsGroup gracePeriodSeconds hostProcess hostUsers
    immutable ingressClassName leaseDurationSeconds leaseTransitions limitBytes manualSelector
    maxFailedIndexes minDomains minReplicas mode optional
    orphanDependents parallelism podInfoOnMount priority privileged progressDeadlineSeconds
    readOnlyRootFilesystem requiresRepublish revisionHistoryLimit runAsGroup runAsNonRoot
    runAsUser seLinuxMount serving setHostnameAsFQDN shareProcessNamespace sinceSeconds
    stabilizationWindowSeconds started startingDeadlineSeconds storageCapacity succeededCount
    successfulJobsHistoryLimit suspend tailLines targetAverageUtilization
    targetCPUUtilizationPercentage terminating terminationGracePeriodSeconds tolerationSeconds
    ttlSecondsAfterFinished volumeAttributesClassName
    AzureDiskVolumeSource.readOnly CSIVolumeSource.readOnly ClientIPConfig.timeoutSeconds
    DeploymentSpec.replicas EndpointConditions.ready FCVolumeSource.lun JobStatus.ready
    MutatingWebhook.timeoutSeconds PersistentVolumeClaimSpec.storageClassName
    PodDNSConfigOption.value ReplicaSetSpec.replicas ReplicationControllerSpec.replicas
    RollingUpdateStatefulSetStrategy.partition ScaleSpec.replicas ServiceReference.port
    StatefulSetSpec.replicas ValidatingWebhook.timeoutSeconds VolumeNodeResources.count
    discovery.v1.EndpointPort.name discovery.v1.EndpointPort.port
"""
"""Fields in which 0, false or "" says something: pointers in Go. Everywhere else Go writes a zero
for what was not said (k8s.io/api and k8s.io/apimachinery, types.go)."""

_INLINED: Final = frozenset(INLINED.split())
_MEANT: Final = frozenset(MEANT.split())

# google/protobuf/descriptor.proto
_FILE_PACKAGE, _FILE_MESSAGES = 2, 4
_MESSAGE_NAME, _MESSAGE_FIELDS, _MESSAGE_NESTED = 1, 2, 3
_FIELD_NAME, _FIELD_NUMBER, _FIELD_LABEL, _FIELD_TYPE, _FIELD_TYPE_NAME = 1, 3, 4, 5, 6
_REPEATED = 3
_TYPES: Final = {3: "int64", 5: "int32", 8: "bool", 9: "string", 11: "message", 12: "bytes"}
_KIND_MESSAGE: Final = "message"

Parts = dict[int, list[Any]]


def kubectl() -> Path | None:
    """The kubectl to read: that of the release served, beside the one on PATH, else that one."""
    found = shutil.which("kubectl")
    if found is None:
        return None
    program = Path(found).resolve()
    sibling = program.with_name(f"kubectl.1.{MINOR}")
    return sibling if sibling.exists() else program


def descriptors(binary: bytes) -> dict[str, Parts]:
    """Every file descriptor in a program, by package."""
    found: dict[str, Parts] = {}
    at = binary.find(MAGIC)
    while at >= 0:
        text = _unzipped(binary[at : at + LARGEST])
        at = binary.find(MAGIC, at + 1)
        if text is None:
            continue
        try:
            parts = _parts(text)
            package = parts[_FILE_PACKAGE][0].decode()
        except (WireError, KeyError, AttributeError, UnicodeDecodeError):
            continue  # something else that was zipped
        found[package] = parts
    return found


def _unzipped(data: bytes) -> bytes | None:
    unpack = zlib.decompressobj(31)
    try:
        text = unpack.decompress(data, LARGEST)
    except zlib.error:
        return None
    return text if unpack.eof else None


def _parts(message: bytes) -> Parts:
    found: Parts = {}
    for number, _, value in fields(message):
        found.setdefault(number, []).append(value)
    return found


def messages(package: str, file: Parts) -> Iterator[tuple[str, list[list[Any]]]]:
    """Each message's full name and its fields, as `netemu.api.protobuf` reads them."""
    for raw in file.get(_FILE_MESSAGES, ()):
        message = _parts(raw)
        name = f"{package}.{message[_MESSAGE_NAME][0].decode()}"
        nested = {
            f".{name}.{inner[_MESSAGE_NAME][0].decode()}": inner
            for inner in map(_parts, message.get(_MESSAGE_NESTED, ()))
        }
        described = (_parts(field) for field in message.get(_MESSAGE_FIELDS, ()))
        yield name, sorted(_field(name, field, nested) for field in described)


def _field(owner: str, field: Parts, nested: Mapping[str, Parts]) -> list[Any]:
    """Number, name, kind, the message referred to, and how the field is written."""
    name = field[_FIELD_NAME][0].decode()
    kind, reference = _type(field)
    how = "list" if field[_FIELD_LABEL][0] == _REPEATED else ""
    if f".{reference}" in nested:  # proto's maps are lists of messages of their own
        kind, reference = _type(_parts(nested[f".{reference}"][_MESSAGE_FIELDS][1]))
        how = "map"
    elif name in _INLINED and kind == _KIND_MESSAGE:
        how = "inline"
    elif not how and _is_meant(owner, name):
        how = "meant"
    short = owner.rpartition(".")[2]
    return [field[_FIELD_NUMBER][0], RENAMED.get(f"{short}.{name}", name), kind, reference, how]


def _type(field: Parts) -> tuple[str, str]:
    reference = field[_FIELD_TYPE_NAME][0].decode()[1:] if _FIELD_TYPE_NAME in field else ""
    return _TYPES[field[_FIELD_TYPE][0]], reference


def _is_meant(owner: str, name: str) -> bool:
    package, _, short = owner.rpartition(".")
    group = package.removeprefix("k8s.io.api.")
    return not _MEANT.isdisjoint((name, f"{short}.{name}", f"{group}.{short}.{name}"))


def build(program: Path) -> bytes:
    """The whole file."""
    found = descriptors(program.read_bytes())
    kept = {
        name: described
        for package in sorted(found)
        if PACKAGES.match(package)
        for name, described in messages(package, found[package])
    }
    packer = zlib.compressobj(9, wbits=31)
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
    return packer.compress(text.encode()) + packer.flush()


def main(arguments: list[str]) -> None:
    """Write the file and say what it holds."""
    program = Path(arguments[0]) if arguments else kubectl()
    if program is None:
        sys.exit("there is no kubectl on PATH")
    target = Path(arguments[1]) if len(arguments) > 1 else OUTPUT
    data = build(program)
    target.write_bytes(data)
    print(f"{target}: {len(data)} bytes, from {program}")


if __name__ == "__main__":
    main(sys.argv[1:])
