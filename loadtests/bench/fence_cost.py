"""fenced_vs_unfenced_booking: throughput of booking with fence and lease, relative to the same build without them."""

import psycopg

from loadtests.bench.booking import booking_requests, unused_slots
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.interleaving import CONNECTIONS, BlockPlan, Contender, compare_throughput
from loadtests.bench.output import echo
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import ROUND_THE_CLOCK, open_tenant

PROVIDERS = 50

# `scheduling.begin_write` of the migrations, without the fence's lock and the lease; also drops the lease triggers.
_UNFENCED = """
    CREATE OR REPLACE FUNCTION scheduling.begin_write(
        this_business uuid, this_actor text, this_operation text, this_key text, budget_ms integer, alone boolean
    ) RETURNS TABLE (
        now_at timestamptz, lease_active boolean, lease_epoch bigint, request_hash bytea, reply bytea,
        business_name text, business_zone text, rules_version bigint
    ) LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM set_config('app.business_id', this_business::text, true),
                set_config('transaction_timeout', budget_ms::text, true);
        PERFORM set_config('lock_timeout', least(budget_ms, 1000)::text, true);
        PERFORM pg_advisory_xact_lock(hashtext(this_business::text || this_actor || this_operation),
                                      hashtext(this_key));
        RETURN QUERY
            SELECT clock_timestamp(), true, 1::bigint, i.request_hash, i.reply, b.name, b.zone, b.rules_version
              FROM (VALUES (this_business)) AS asked (business_id)
              LEFT JOIN scheduling.business b ON b.business_id = asked.business_id
              LEFT JOIN scheduling.idempotency i
                     ON i.business_id = asked.business_id AND i.actor = this_actor
                    AND i.operation = this_operation AND i.key = this_key;
    END $$;
    DO $$
    DECLARE
        guarded regclass;
        name text;
    BEGIN
        FOR guarded, name IN SELECT tgrelid, tgname FROM pg_trigger WHERE tgname LIKE 'require_lease%' LOOP
            EXECUTE format('DROP TRIGGER %I ON %s', name, guarded);
        END LOOP;
    END $$;
"""


def measure(cores: Cores, plan: BlockPlan) -> dict[str, Figure]:
    """Alternate between two products, each with its own database and web server."""
    with running_bench_servers(cores) as fenced, running_bench_servers(cores) as bare:
        subject = _contender(fenced, "with the fence")
        floor = _contender(bare, "without the fence", _UNFENCED)
        outcome = compare_throughput(subject, floor, plan, cores)
    for line in outcome.lines(subject.name, floor.name):
        echo(line)
    return {"fenced_vs_unfenced_booking": ratio_figure(outcome.ratio)}


def _contender(servers: BenchServers, name: str, change: str = "") -> Contender:
    servers.start_databases("monolith")
    product = servers.start_monolith()
    tenant = open_tenant(product.port, PROVIDERS, ROUND_THE_CLOCK)
    if change:
        with psycopg.connect(servers.target("monolith").url) as administrator:
            administrator.execute(change.encode())
    customers = [tenant.register_customer() for _ in range(CONNECTIONS)]
    processes = {"web": product.pid, "Postgres": servers.postgres_pid("monolith")}
    return Contender(name, product.port, booking_requests(tenant, customers, unused_slots(tenant)), 201, processes)
