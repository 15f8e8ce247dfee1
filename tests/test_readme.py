"""The README's table of what works is true, and its commands exist."""

import re
from pathlib import Path

from netemu.cli import COMMANDS
from netemu.model.resources import RESOURCES

README = (Path(__file__).parents[1] / "README.md").read_text()


def row(area: str) -> list[str]:
    [line] = [line for line in README.splitlines() if line.startswith(f"| {area} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def names(cell: str) -> set[str]:
    return {name.strip() for name in cell.split(",")}


def test_kinds_are_all_told_and_rightly() -> None:
    acted_on = {resource.kind for resource in RESOURCES if resource.controlled}
    stored = {resource.kind for resource in RESOURCES if not resource.controlled}
    assert names(row("Kinds with everything behind them")[0]) == acted_on
    told = "Kinds that are stored and shown only" in README
    assert (names(row("Kinds that are stored and shown only")[0]) if told else set()) == stored


def test_commands_are_all_told() -> None:
    assert names(row("CLI")[0]) == set(COMMANDS)


def test_commands_in_the_text_exist() -> None:
    used = set(re.findall(r"(?:^|[\s`(/])netemu ([a-z]+)", README))
    assert used
    assert used <= set(COMMANDS) | {"is"}, used - set(COMMANDS)


def test_files_that_it_points_to_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target
