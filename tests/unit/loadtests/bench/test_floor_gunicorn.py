from gunicorn.config import KNOWN_SETTINGS

from deploy.gunicorn import monolith
from loadtests.bench import floor_gunicorn

SETTINGS = {setting.name for setting in KNOWN_SETTINGS}
# Start-up hooks of the product, its process name, and admission, whose cost is the product's own.
PRODUCT_ONLY = {"on_starting", "proc_name", "worker_class"}


def test_floors_have_every_gunicorn_setting_of_the_monolith() -> None:
    """A setting of only one of the two would show as a difference of the product."""
    wanted = {name: value for name, value in vars(monolith).items() if name in SETTINGS - PRODUCT_ONLY}
    assert {name: value for name, value in vars(floor_gunicorn).items() if name in SETTINGS - PRODUCT_ONLY} == wanted
