"""Pauses between attempts: they grow with failures in a row, up to a bound, and begin anew after a steady while."""

from rspark_session.services.spark.cluster.pauses import Pauses


def test_pauses_grow_to_a_bound_and_begin_anew_after_a_steady_while() -> None:
    pauses, now, found = Pauses(), 0.0, []
    assert pauses.are_over(now)
    for _ in range(7):
        found.append(pauses.fail(now))
        assert not pauses.are_over(now + found[-1] - 0.1)
        now += found[-1]
        assert pauses.are_over(now)
    assert found == [1, 2, 4, 8, 16, 30, 30]
    assert pauses.failures == 7
    assert pauses.fail(now + 61) == 1
    assert pauses.failures == 1
