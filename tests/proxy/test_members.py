"""The kernel's sets follow what is wanted."""

from hypothesis import given
from hypothesis import strategies as st

from netemu.model.nft import AddElements, DeleteElements, Element, Go, Verdict
from netemu.proxy.members import Members

KEYS = st.sampled_from([b"a", b"b", b"c"])
DATA = st.sampled_from([None, b"1", b"2", Go(Verdict.DROP)])


def test_members_are_added_changed_and_taken_out() -> None:
    members = Members("some")
    members.want(b"b", b"1")
    members.want(b"a", b"1")
    assert list(members.changes()) == [
        AddElements("some", [Element(b"a", b"1"), Element(b"b", b"1")])
    ]
    members.want(b"a", b"2")
    members.want(b"b", None)
    assert list(members.changes()) == [
        DeleteElements("some", [Element(b"a"), Element(b"b")]),
        AddElements("some", [Element(b"a", b"2")]),
    ]
    assert len(members) == 1


def test_what_changes_and_changes_back_is_left_alone() -> None:
    members = Members("some")
    members.want(b"a", True)
    assert list(members.changes()) == [AddElements("some", [Element(b"a")])]
    members.want(b"a", False)
    members.want(b"a", True)
    assert list(members.changes()) == []


@given(st.lists(st.lists(st.tuples(KEYS, DATA))))
def test_the_kernel_ends_with_what_was_wanted_last(
    steps: list[list[tuple[bytes, bytes | Go | None]]],
) -> None:
    members, kernel, wanted = Members("some"), {}, {}
    for step in steps:
        for key, data in step:
            members.want(key, data)
            wanted[key] = data
        for command in members.changes():
            assert isinstance(command, AddElements | DeleteElements)
            for element in command.elements:
                if isinstance(command, AddElements):
                    assert element.key not in kernel
                    kernel[element.key] = element.data
                else:
                    del kernel[element.key]
        assert list(members.changes()) == []
    assert kernel == {key: data for key, data in wanted.items() if data is not None}
