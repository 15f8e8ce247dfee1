import subprocess
import sys

import pytest

from netemu import late


def said(script: str) -> str:
    """What a script prints in an interpreter of its own, in which little is imported."""
    command = [sys.executable, "-W", "error", "-c", f"import sys\n{script}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_module_is_imported_by_the_first_call() -> None:
    script = (
        "from netemu.late import late\n"
        "graph = late('graphlib'); make = graph.TopologicalSorter\n"
        "print('graphlib' in sys.modules, type(make({})).__name__, 'graphlib' in sys.modules)"
    )
    assert said(script) == "False TopologicalSorter True\n"


def test_all_that_was_named_can_be_loaded_step_by_step() -> None:
    script = (
        "from netemu.late import late, load_all\n"
        "late('graphlib'); late('colorsys')\n"
        "steps = load_all(); print(next(steps), 'colorsys' in sys.modules)\n"
        "print(*steps, 'colorsys' in sys.modules, *load_all())"
    )
    assert said(script) == "graphlib False\ncolorsys True\n"


def test_arguments_and_results_pass() -> None:
    assert late.LateModule("operator").sub(5, 3) == 2
    assert late.LateModule("builtins").sorted([2, 1], key=lambda x: -x) == [2, 1]


def test_what_does_not_exist_is_told_by_the_call() -> None:
    with pytest.raises(ModuleNotFoundError):
        late.LateModule("netemu.nothing").function()
    with pytest.raises(AttributeError):
        late.LateModule("operator").nothing()
