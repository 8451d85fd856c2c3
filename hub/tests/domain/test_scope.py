"""What a token with scopes may do."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rsparkhub.domain.access import Identity
from rsparkhub.domain.scope import EVERYTHING, Scope, enough_for, in_order, read_scopes, written
from rsparkhub.domain.user import User

SOMEBODY = Identity(user=User(name="ada", admin=True, created=datetime(2026, 11, 29, tzinfo=UTC)), how="token")


@pytest.mark.parametrize("needed", list(Scope))
@pytest.mark.parametrize("looks", [True, False])
@pytest.mark.parametrize("given", list(Scope))
def test_all_is_enough_and_read_is_to_look(needed: Scope, looks: bool, given: Scope) -> None:
    identity = replace(SOMEBODY, scopes=frozenset({given}))
    expected = given is Scope.ALL or given is needed or (looks and given is Scope.READ)
    assert identity.has_scope(needed, looks=looks) is expected
    assert (given in {Scope.ALL, *enough_for(needed, looks=looks)}) is expected


def test_without_a_scope_nothing_may_be_done() -> None:
    nothing = replace(SOMEBODY, scopes=frozenset())
    assert not any(nothing.has_scope(scope, looks=True) for scope in Scope)


def test_who_shows_no_token_has_no_limit() -> None:
    assert SOMEBODY.scopes == EVERYTHING


def test_what_is_written_is_read_again() -> None:
    given = frozenset({Scope.TOKENS, Scope.READ})
    assert written(given) == "read tokens"
    assert read_scopes(written(given)) == given
    assert in_order({Scope.USERS, Scope.ALL}) == [Scope.ALL]


def test_a_scope_of_a_newer_version_lets_nobody_do_anything() -> None:
    assert read_scopes("everything read all2 sessions:x") == {Scope.READ}
