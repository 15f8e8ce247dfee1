"""Rules of ControllerRevisions."""

from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path
from netemu.api.validation.meta import object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object


def revision(obj: Object) -> Causes:
    """A new ControllerRevision."""
    yield from object_meta(obj, True, names.dns_subdomain)
    if obj.get("data") is None:
        yield field.required(Path("data"), "data is mandatory")
    yield from field.not_negative(Path("revision"), obj.get("revision"))


def revision_update(new: Object, old: Object) -> Causes:
    """An update of a ControllerRevision; its data stays."""
    yield from object_meta_update(new, old)
    yield from field.not_negative(Path("revision"), new.get("revision"))
    if new.get("data") != old.get("data"):
        yield field.forbidden(Path("data"), field.IMMUTABLE)
