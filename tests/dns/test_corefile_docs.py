"""The documentation's Corefiles can be used, and its table has every plugin."""

import re
from pathlib import Path

from netemu.dns.plugins.table import PLUGINS
from tests.dns.cluster import configured

TEXT = (Path(__file__).parents[2] / "docs" / "corefile.md").read_text()


def test_its_examples_can_be_used() -> None:
    examples = re.findall(r"```\n(.*?)```", TEXT, re.DOTALL)
    assert examples
    for example in examples:
        made = configured(example, resolv_conf="nameserver 192.0.2.1", hosts="")
        assert made.remarks == ()


def test_its_table_has_every_plugin() -> None:
    rows = re.findall(r"^\| (`[^|]*`) ", TEXT.replace("\\|", " "), re.MULTILINE)
    told = {word for row in rows for word in re.findall(r"`([a-z]+)", row)}
    assert told == set(PLUGINS)
