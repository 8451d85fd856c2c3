"""What several interfaces of one session brought back is one report, however often they did so."""

from rspark_contract.saved import MOST_KERNELS, MOST_LOST_IN_ALL, LostObject, Restored, RestoredKernel

LOST = LostObject(name="con", class_name="", why="It is a connection. Open it again.")


def kernel(name: str, *, objects: int = 1, lost: int = 0) -> RestoredKernel:
    return RestoredKernel(id=name, name="python3", language="python", objects=objects, lost=(LOST,) * lost)


def test_two_interfaces_add_up() -> None:
    one = Restored(kernels=(kernel("a"),), terminals=1, reason="One.")
    both = one + Restored(kernels=(kernel("b"),), terminals=2, reason="Two.")
    assert both == Restored(kernels=(kernel("a"), kernel("b")), terminals=3, reason="One. Two.")


def test_one_that_is_started_again_is_reported_once() -> None:
    for one in (Restored(kernels=(kernel("a"),), terminals=2), Restored(terminals=2), Restored(reason="Gone."), Restored()):
        told = one
        for _ in range(3):
            told += one
        assert told == one
    assert Restored(kernels=(kernel("a", objects=3),)) + Restored(kernels=(kernel("a"),)) == Restored(kernels=(kernel("a"),))
    of_two = Restored(reason="One.") + Restored(reason="Two.")
    assert (of_two + Restored(reason="One.") + Restored(reason="Two.")).reason == "One. Two."


def test_the_sum_is_within_the_bounds_of_what_is_read() -> None:
    told = Restored()
    for number in range(2 * MOST_KERNELS):
        told += Restored(kernels=(kernel(str(number), lost=20),), terminals=1, reason=f"The workspace {number} is gone.")
    assert len(told.kernels) == MOST_KERNELS
    assert sum(len(each.lost) for each in told.kernels) == MOST_LOST_IN_ALL
    assert Restored.parse(told.to_json()) == told
