"""Rules of CertificateSigningRequests (pkg/apis/certificates/validation)."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path
from netemu.api.validation.meta import object_meta, object_meta_update
from netemu.model import names
from netemu.model.errors import Cause
from netemu.model.meta import Object
from netemu.model.signingrequest import LEGACY, Unreadable, parse

USAGES: Final = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign",
    "data encipherment", "decipher only", "digital signature", "email protection",
    "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement",
    "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip
SHORTEST: Final = 600
ANSWERS: Final = ("Approved", "Denied", "Failed")
"""Conditions that are True where they are, and stay."""

_STATUS: Final = Path("status")
_CONDITIONS: Final = _STATUS.child("conditions")
_LONGEST_DOMAIN: Final = 253
_LONGEST_SIGNER: Final = 253 + 1 + 253 + 1 + 63


def signing_request(obj: Object) -> Causes:
    """A new CertificateSigningRequest."""
    spec, usages = obj.get("spec") or {}, (obj.get("spec") or {}).get("usages") or ()
    yield from object_meta(obj, False, names.path_segment)
    yield from _request(spec.get("request") or "")
    if not usages:
        yield field.required(SPEC.child("usages"), "usages must be provided")
    yield from _usages(usages)
    signer, path = spec.get("signerName") or "", SPEC.child("signerName")
    if signer == LEGACY:
        yield field.invalid(
            path, signer, "the legacy signerName is not allowed via this API version"
        )
    else:
        yield from signer_name(path, signer)
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < SHORTEST:
        rule = "may not specify a duration less than 600 seconds (10 minutes)"
        yield field.invalid(SPEC.child("expirationSeconds"), seconds, rule)
    yield from _conditions((obj.get("status") or {}).get("conditions") or ())


def signing_request_update(new: Object, old: Object) -> Causes:
    """An update of one, of which only metadata and status can change."""
    yield from object_meta_update(new, old)
    status, before = new.get("status") or {}, old.get("status") or {}
    conditions = status.get("conditions") or ()
    yield from _conditions(conditions)
    for kind in ANSWERS:
        if len(of_type(conditions, kind)) < len(of_type(before.get("conditions") or (), kind)):
            rule = f'updates may not remove a condition of type "{kind}"'
            yield field.forbidden(_CONDITIONS, rule)
    certificate, path = status.get("certificate") or "", _STATUS.child("certificate")
    if certificate != (before.get("certificate") or ""):
        if problem := _certificate(certificate):
            yield field.invalid(path, "<certificate data>", problem)
        if before.get("certificate"):
            yield field.forbidden(path, "updates may not modify existing certificate content")


def of_type(conditions: Sequence[Object], kind: str) -> list[Object]:
    """The conditions of one type."""
    return [item for item in conditions if item.get("type") == kind]


def unapproved(new: Object, old: Object) -> Causes:
    """A status is no approval: that has a subresource of its own."""
    conditions, before = ((each.get("status") or {}).get("conditions") or () for each in (new, old))
    for kind in ("Approved", "Denied"):
        if len(of_type(conditions, kind)) > len(of_type(before, kind)):
            yield field.forbidden(_CONDITIONS, f'updates may not add a condition of type "{kind}"')


def signer_name(path: Path, name: str) -> Causes:
    """domain/path, both of labels (ValidateSignerName)."""
    if not name:
        yield field.required(path)
        return
    if name.count("/") != 1:
        form = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        yield field.invalid(path, name, form)
        return
    domain, place = name.split("/")
    if len(domain) > _LONGEST_DOMAIN:
        yield field.too_long(path, _LONGEST_DOMAIN)
    yield from _labels(path, domain, names.dns_label)
    if "." not in domain:
        rule = "should be a domain with at least two segments separated by dots"
        yield field.invalid(path, domain, rule)
    yield from _labels(path, place, names.dns_subdomain)
    if len(name) > _LONGEST_SIGNER:
        yield field.too_long(path, _LONGEST_SIGNER)


def _labels(path: Path, segment: str, problems_of: Callable[[str], list[str]]) -> Causes:
    for label in segment.split("."):
        if problems := problems_of(label):
            for problem in problems:
                said = f"validating label {json.dumps(label, ensure_ascii=False)}: {problem}"
                yield field.invalid(path, segment, said)
            return


def _request(text: str) -> Causes:
    raw = base64.b64decode(text)
    try:
        parse(raw)
    except Unreadable as error:
        shown = ", ".join(f"0x{byte:x}" for byte in raw)  # as Go prints bytes
        said = f"Invalid value: []byte{{{shown}}}: {error}"
        if not raw:
            said = f"Invalid value: []byte(nil): {error}"
        yield Cause("FieldValueInvalid", said, str(SPEC.child("request")))


def _usages(usages: Sequence[str]) -> Causes:
    for number, usage in enumerate(usages):
        if usage not in USAGES:
            yield field.not_supported(SPEC.child("usages").index(number), usage, USAGES)
    for number, usage in enumerate(usages):
        if usage in usages[:number]:
            yield field.duplicate(SPEC.child("usages").index(number), usage)


def _conditions(conditions: Sequence[Object]) -> Causes:
    seen: list[str] = []
    for number, item in enumerate(conditions):
        path, kind = _CONDITIONS.index(number), item.get("type") or ""
        if not kind:
            yield field.required(path.child("type"))
        supported = ("True",) if kind in ANSWERS else ("False", "True", "Unknown")
        if not item.get("status"):
            yield field.required(path.child("status"))
        elif item["status"] not in supported:
            yield field.not_supported(path.child("status"), item["status"], supported)
        if {"Approved": "Denied", "Denied": "Approved"}.get(kind) in seen:
            rule = "Approved and Denied conditions are mutually exclusive"
            yield field.invalid(path.child("type"), kind, rule)
        if kind in seen:
            yield field.duplicate(path.child("type"), kind)
        seen.append(kind)


def _certificate(text: str) -> str:
    """What is wrong with a certificate, "" if nothing."""
    from cryptography import x509

    pem = base64.b64decode(text)
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        return "must contain at least one CERTIFICATE PEM block"
    try:
        x509.load_pem_x509_certificates(pem)
    except ValueError:
        return "x509: malformed certificate"
    return ""
