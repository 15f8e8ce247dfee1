"""The page on address families: its settings are the ones there are."""

import dataclasses
import re
from pathlib import Path

import yaml

from netemu.config.loading import load
from netemu.config.settings import IpFamily, NetworkSettings

PAGE = Path(__file__).parents[2].joinpath("docs", "dual-stack.md").read_text()


def test_the_example_is_read() -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    settings = load(yaml.safe_load(example), state_dir=Path())
    assert settings.network.ip_families == (IpFamily.IPV4, IpFamily.IPV6)


def test_every_setting_is_told_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.MULTILINE))
    fields = {
        field.name: getattr(NetworkSettings(), field.name)
        for field in dataclasses.fields(NetworkSettings)
    }
    told = {"ipFamilies": "`[IPv4]`"}
    for name, value in fields.items():
        if name.endswith("6"):
            first, *rest = name.split("_")
            key = first + "".join(word.capitalize() for word in rest)
            values = value if isinstance(value, tuple) else (value,)
            told[key] = ", ".join(f"`{each}`" for each in values)
    assert {name: default for name, default in rows.items() if name in told} == told
