from typing import Any

import pytest

from netemu.api.validation.goformat import Literal, body, selector_literal, string_map, strings


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, '"null"'),
        (0, "0"),
        (True, "true"),
        (1.5, "1.5"),
        ("a", '"a"'),
        ('say "hi"\n\t\\', r'"say \"hi\"\n\t\\"'),
        ("ü€", '"ü€"'),
        ("\x00\x7f", r'"\x00\x7f"'),
        ("\u200b", r'"\u200b"'),
        (["a", "b"], '[]string{"a", "b"}'),
        ([], "[]string{}"),
        ({"b": "2", "a": "1"}, 'map[string]string{"a":"1", "b":"2"}'),
        (Literal("core.X{}"), "core.X{}"),
    ],
)
def test_values_look_as_go_prints_them(value: Any, shown: str) -> None:
    assert body(value) == shown


def test_what_is_not_there_has_a_type_still() -> None:
    assert string_map(None) == "map[string]string(nil)"
    assert strings(None, "core.IPFamily") == "[]core.IPFamily(nil)"


def test_a_selector_is_shown_whole() -> None:
    selector = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a"]}],
    }
    assert body(selector_literal({"matchLabels": {"app": "web"}})) == (
        'v1.LabelSelector{MatchLabels:map[string]string{"app":"web"}, '
        "MatchExpressions:[]v1.LabelSelectorRequirement(nil)}"
    )
    assert body(selector_literal(selector)).endswith(
        "MatchExpressions:[]v1.LabelSelectorRequirement{v1.LabelSelectorRequirement{"
        'Key:"tier", Operator:"In", Values:[]string{"a"}}}}'
    )
