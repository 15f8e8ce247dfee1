"""Versions of an API in order: v2 before v1 before v1beta1 before v1alpha1, then the others."""

import re
from typing import Final

_FORM: Final = re.compile(r"v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?\Z")
_STAGES: Final = {None: 0, "beta": 1, "alpha": 2}


def version_order(name: str) -> tuple[int, int, int, str]:
    """A key to sort by, the preferred version first (as apimachinery does)."""
    match = _FORM.match(name)
    if match is None:
        return 3, 0, 0, name
    return _STAGES[match[2]], -int(match[1]), -int(match[3] or 0), ""
