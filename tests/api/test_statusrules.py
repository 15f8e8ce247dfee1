from netemu.api.statusrules import broken_rules


def test_items_that_are_looked_up_by_key_must_have_it() -> None:
    obj = {
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}, {"status": "True"}],
            "containerStatuses": [{}],
        }
    }
    assert [cause.field for cause in broken_rules(obj)] == [
        "status.conditions[1].type",
        "status.containerStatuses[0].name",
    ]


def test_an_object_without_a_status_is_fine() -> None:
    assert not list(broken_rules({}))
