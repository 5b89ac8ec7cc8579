from gunicorn.config import KNOWN_SETTINGS  # type: ignore[import-untyped]

from deploy.gunicorn import monolith
from loadtests.bench import floor_gunicorn

SETTINGS = {setting.name for setting in KNOWN_SETTINGS}
# What the product does at its start, and what `ps` calls it.
ITS_OWN = {"on_starting", "child_exit", "proc_name"}


def test_a_floor_is_served_with_every_setting_of_the_monolith() -> None:
    """A setting that only one of the two had would be measured as the product's."""
    wanted = {name: value for name, value in vars(monolith).items() if name in SETTINGS - ITS_OWN}
    assert {name: value for name, value in vars(floor_gunicorn).items() if name in SETTINGS} == wanted
