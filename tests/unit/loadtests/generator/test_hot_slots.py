"""A crowd wants few slots, the first of them most of all."""

from collections import Counter
from random import Random

from loadtests.generator.hot_slots import Contention, HotSlots

CROWD = Contention(contenders=8, zipf=1.1, retries=2)


def test_as_many_slots_as_contenders_fill() -> None:
    favourites = HotSlots[str](CROWD, bookers=80)
    favourites.learn(f"slot {number}" for number in range(50))
    assert len(favourites.slots) == 10


def test_a_slot_is_wanted_once_however_often_it_is_offered() -> None:
    favourites = HotSlots[str](CROWD, bookers=16)
    favourites.learn(["nine", "nine"])
    favourites.learn(["ten", "eleven"])
    assert favourites.slots == ["nine", "ten"]


def test_nobody_wants_what_nobody_was_offered() -> None:
    assert HotSlots[str](CROWD, bookers=16).choose(Random(1)) is None


def test_the_second_is_wanted_as_zipf_says() -> None:
    favourites = HotSlots[int](CROWD, bookers=80)
    favourites.learn(range(10))
    chosen, chance = Counter[int](), Random(1)
    for _ in range(20_000):
        found = favourites.choose(chance)
        assert found is not None
        chosen[found] += 1
    assert 1.9 < chosen[0] / chosen[1] < 2.4  # 2 to the power of 1.1 is 2.14
