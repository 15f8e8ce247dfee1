import pytest

from netemu.api.gonumbers import NotANumber, parse_int, parse_uint

READ = [("0", 0), ("-0", 0), ("+1", 1), ("007", 7), ("-5", -5), ("0" * 9999 + "1", 1),
        ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63))]  # fmt: skip
NO_SYNTAX = ["", "x", " 1", "1 ", "1_0", "0x1", "1.0", "1e3", "--1", "+", "٣", "1\n"]
TOO_LARGE = ["9223372036854775808", "-9223372036854775809", "1" * 9999]


@pytest.mark.parametrize(("text", "number"), READ)
def test_a_number_is_what_go_reads(text: str, number: int) -> None:
    assert parse_int(text) == number


@pytest.mark.parametrize("text", NO_SYNTAX)
def test_anything_else_is_refused_in_gos_words(text: str) -> None:
    with pytest.raises(NotANumber) as refused:
        parse_int(text)
    assert refused.value.message == f'strconv.ParseInt: parsing "{text}": invalid syntax'


@pytest.mark.parametrize("text", TOO_LARGE)
def test_what_has_no_room_in_64_bits_is_out_of_range(text: str) -> None:
    with pytest.raises(NotANumber) as refused:
        parse_int(text)
    assert refused.value.message == f'strconv.ParseInt: parsing "{text}": value out of range'


def test_versions_have_no_sign_and_one_bit_more() -> None:
    assert parse_uint("18446744073709551615") == 2**64 - 1
    for text in ("+1", "-1"):
        with pytest.raises(NotANumber, match="ParseUint.*invalid syntax"):
            parse_uint(text)
    with pytest.raises(NotANumber, match="ParseUint.*value out of range"):
        parse_uint("18446744073709551616")
