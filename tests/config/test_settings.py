from pathlib import Path

import pytest

from netemu.config.settings import DnsSettings, NetworkSettings, NodeSettings, Settings


def test_an_instance_lives_in_a_folder_of_its_name() -> None:
    assert Settings(name="ci", state_dir=Path("/s")).home == Path("/s/ci")


def test_settings_out_of_range_are_refused_when_made() -> None:
    with pytest.raises(ValueError, match="ttl"):
        DnsSettings(ttl=-1)
    with pytest.raises(ValueError, match="port"):
        DnsSettings(port=70_000)
    with pytest.raises(ValueError, match="nodes"):
        NodeSettings(count=201)
    with pytest.raises(ValueError, match="nodePorts"):
        NetworkSettings(node_ports=(32000, 31000))
