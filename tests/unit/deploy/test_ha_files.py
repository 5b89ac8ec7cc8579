"""The files of deploy/ha agree with each other and with the development stack."""

import configparser
from string import Template
from typing import Any

import yaml

from deploy.devstack.postgres import SETTINGS
from deploy.ha.balancer import CONFIGURATION, FRONTENDS, configuration
from deploy.ha.patroni import TEMPLATE

PORTS = {name: 20_000 + number for number, name in enumerate(FRONTENDS.values())}


class _Any(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"the-{name.lower()}"


def patroni() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Template(TEMPLATE.read_text()).substitute(_Any()))
    return loaded


def test_patroni_has_the_replication_settings_of_the_development_stack() -> None:
    parameters = patroni()["bootstrap"]["dcs"]["postgresql"]["parameters"]
    for name in (
        "wal_level",
        "max_wal_senders",
        "max_replication_slots",
        "max_slot_wal_keep_size",
        "max_worker_processes",
    ):
        assert str(parameters[name]) == SETTINGS[name]


def test_patroni_keeps_its_own_rule_for_the_time_to_live() -> None:
    dcs = patroni()["bootstrap"]["dcs"]
    assert dcs["loop_wait"] + 2 * dcs["retry_timeout"] <= dcs["ttl"]


def test_the_balancer_leads_to_every_server_of_the_rehearsal() -> None:
    shipped = [
        line.split()[2].partition(":")[0]
        for line in CONFIGURATION.read_text().splitlines()
        if line.startswith("    server ")
    ]
    assert len(shipped) == len(set(shipped)) == 10
    text = configuration(PORTS, {name: (30_000 + number, 31_000 + number) for number, name in enumerate(shipped)})
    assert text.count("127.0.0.1:300") == len(shipped)
    assert text.count("check port 310") == len(shipped)
    assert [f"bind 127.0.0.1:{port}" in text for port in PORTS.values()] == [True] * len(PORTS)


def test_a_balancer_without_a_third_member_does_not_name_it() -> None:
    text = configuration(PORTS, {"pg-monolith-1": (1, 2)})
    assert text.count("    server ") == 1
    assert "pg-" not in text.partition("defaults")[2]


def test_the_pooler_leads_to_the_balancer_and_pools_transactions() -> None:
    parsed = configparser.ConfigParser(comment_prefixes=(";",))
    parsed.read(TEMPLATE.with_name("pgbouncer.ini"))
    assert parsed["pgbouncer"]["pool_mode"] == "transaction"
    assert int(parsed["pgbouncer"]["max_prepared_statements"]) > 0
    port = parsed["databases"]["monolith"].rpartition("port=")[2]
    assert FRONTENDS[int(port)] == "monolith database"
