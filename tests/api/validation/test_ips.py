import pytest

from netemu.api.validation.field import Path
from netemu.api.validation.ips import BAD_ADDRESS, BAD_RANGE, address, cidr, not_special
from tests.support.objects import told


@pytest.mark.parametrize("text", ["10.9.8.7", "2001:db8::1", "010.001.0.1", "::ffff:1.2.3.4"])
def test_addresses(text: str) -> None:
    assert told(address(Path("ip"), text)) == []


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.256", "1.2.3.4/8", "fe80::1%eth0"])
def test_other_text_is_no_address(text: str) -> None:
    assert told(address(Path("ip"), text)) == [f'ip: Invalid value: "{text}": {BAD_ADDRESS}']


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.9.8.7/8", "fd00::/56", "0.0.0.0/0"])
def test_ranges(text: str) -> None:
    assert told(cidr(Path("ip"), text)) == []


@pytest.mark.parametrize("text", ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/x", "/8", "fd00::/129"])
def test_other_text_is_no_range(text: str) -> None:
    assert told(cidr(Path("ip"), text)) == [f'ip: Invalid value: "{text}": {BAD_RANGE}']


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.0.0.0", "may not be unspecified (0.0.0.0)"),
        ("127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("169.254.1.1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (
            "224.0.0.1",
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        ),
        ("ff02::1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
        ("x", "must be a valid IP address"),
    ],
)
def test_some_addresses_mean_another_host_to_each(text: str, why: str) -> None:
    assert told(not_special(Path("ip"), text)) == [f'ip: Invalid value: "{text}": {why}']
    assert told(not_special(Path("ip"), "10.0.0.1")) == []
