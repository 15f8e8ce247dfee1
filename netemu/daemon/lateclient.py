"""aiohttp's server without its client, until somebody wants that too.

`import aiohttp.web` first runs the package's ``__init__``, which brings the whole client and reads
the machine's certificate authorities: more than half of what aiohttp costs a start, for something
that only the proxy subresource uses. Here the package is entered into `sys.modules` without having
run; the first use of a name that it lacks runs it, so nobody can tell the difference.
"""

import re
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType

_VERSION = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)


def postpone_client() -> None:
    """Have `aiohttp` load its client on first use; does nothing if it is loaded already."""
    if "aiohttp" in sys.modules:
        return
    spec = find_spec("aiohttp")
    source = getattr(spec and spec.loader, "get_source", lambda _name: None)("aiohttp")
    version = _VERSION.search(source or "")
    if spec is None or version is None:
        return  # not as we know it: then as it comes
    package = module_from_spec(spec)
    package.__dict__["__version__"] = version[1]  # its modules want it of the package
    package.__dict__["__getattr__"] = lambda name: _completed(package, spec, name)
    sys.modules["aiohttp"] = package


def _completed(package: ModuleType, spec: ModuleSpec, name: str) -> object:
    """What an attribute is once the package has run. Raises AttributeError.

    A module of its own isn't one yet: the import system asks for it here before it looks for it.
    """
    if name.startswith("__") or find_spec(f"aiohttp.{name}") is not None:
        raise AttributeError(f"module 'aiohttp' has no attribute {name!r}")
    package.__dict__.pop("__getattr__", None)
    assert spec.loader is not None
    spec.loader.exec_module(package)
    return getattr(package, name)
