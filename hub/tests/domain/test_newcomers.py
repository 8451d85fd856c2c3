from rsparkhub.domain.newcomers import Newcomers, Outsider, choose_newcomers


def choose(*outsiders: Outsider, groups: tuple[str, ...] = (), administrators: bool = False) -> Newcomers:
    """Choose for a hub where grace is, in the group `lab`."""
    return choose_newcomers(
        outsiders,
        groups,
        groups_of={"grace": frozenset({"lab"})},
        known_groups=frozenset({"lab"}),
        administrators=administrators,
    )


def test_who_is_new_comes_with_their_groups_and_who_is_there_stays() -> None:
    found = choose(
        Outsider(name="grace", admin=True, groups=frozenset({"lab", "stats"})),
        Outsider(name="ada", groups=frozenset({"stats", "lab"})),
    )
    assert [(each.name, each.groups) for each in found.people] == [("ada", {"lab", "stats"})]
    assert found.there == {"grace": ["stats"]}
    assert not found.refused
    assert not found.lose_rights


def test_only_groups_that_no_newcomer_brings_are_made_by_themselves() -> None:
    found = choose(Outsider(name="ada", groups=frozenset({"stats"})), groups=("stats", "lab", "empty"))
    assert found.groups == ["empty"]


def test_administrators_are_made_only_when_that_is_asked_for() -> None:
    root = Outsider(name="root", admin=True)
    assert [each.admin for each in choose(root).people] == [False]
    assert choose(root).lose_rights == ["root"]
    assert [each.admin for each in choose(root, administrators=True).people] == [True]
    assert not choose(root, administrators=True).lose_rights


def test_a_name_that_nobody_can_have_here_is_refused_with_the_reason_and_a_group_is_left_out() -> None:
    found = choose(
        Outsider(name="ada@uni.example"),
        Outsider(name="9lives"),
        Outsider(name="élise"),
        Outsider(name="a" * 33),
        Outsider(name="bob", groups=frozenset({"Stats 101", "everyone", "ok"})),
    )
    assert [(each.name, each.groups) for each in found.people] == [("bob", {"ok"})]
    assert {(each.kind, each.name): each.why for each in found.refused} == {
        ("group", "Stats 101"): "it does not begin with a lower-case letter from a to z",
        ("group", "everyone"): "everybody is in it without being listed",
        ("person", "9lives"): "it does not begin with a lower-case letter from a to z",
        ("person", "a" * 33): "it is longer than 32 characters",
        ("person", "ada@uni.example"): "it has something else than lower-case letters from a to z, digits, - and _",
        ("person", "élise"): "it does not begin with a lower-case letter from a to z",
    }
