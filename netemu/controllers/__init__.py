"""Control loops: each watches the store and brings one kind of object in line."""

from netemu.controllers.bootstrap import bootstrap
from netemu.controllers.table import run_controllers

__all__ = ["bootstrap", "run_controllers"]
