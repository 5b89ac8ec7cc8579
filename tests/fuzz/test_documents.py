"""Both deployables answer every request generated from their OpenAPI documents as the documents describe."""

import pytest
import requests
import schemathesis
from schemathesis import Response
from uuid_utils.compat import uuid7

from contracts.chassis.http_constants import IDEMPOTENCY_KEY
from contracts.scheduling.codec import TIME_LEFT_MS
from contracts.scheduling.context import SYSTEM, Actor
from contracts.scheduling.openapi import document
from contracts.scheduling.operations import AnyOperation
from contracts.scheduling.port import OPERATIONS
from deploy.devstack.keys import Keys
from monolith.cutover.scheduling_flag import AdapterName
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from tests.contract.port.shop import Shop, open_shop
from tests.faults.service import SchedulingWeb
from tests.fuzz.checks import AnyCase, use_known, violations
from tests.fuzz.product import Product

pytestmark = pytest.mark.hypothesis

ENDS_THE_TEST = ("close_business", "change_business")
"""Operations after which the business could not be used."""
SECONDS = 30.0


@pytest.mark.long
@pytest.mark.parametrize("adapter", ["in_process", "http"])
def test_responses_of_the_monolith_are_as_documented(product: Product, adapter: AdapterName) -> None:
    url = f"{product.site.url}/api/v1"
    described = requests.get(f"{url}/openapi.json", timeout=SECONDS).json()
    schema = schemathesis.openapi.from_dict(described).exclude(operation_id=list(ENDS_THE_TEST))

    with product.business_on(adapter) as business:

        def send(case: AnyCase) -> Response:
            use_known(case, business.known)
            return case.call(base_url=url, session=business.session, timeout=SECONDS)

        found = list(violations(schema, send))
    assert not found, "\n".join(found)


def test_responses_of_the_service_are_as_documented(service: SchedulingWeb, keys: Keys) -> None:
    signer = signer_from(keys.signing_key)
    port = HttpScheduling(service.url, signer)
    shop, operations = open_shop(port, uuid7()), {operation.name: operation for operation in OPERATIONS}
    known = {
        "offering_id": str(shop.offering.offering_id),
        "provider_id": str(shop.provider.provider_id),
        "appointment_id": str(shop.book().appointment_id),
    }

    def send(case: AnyCase) -> Response:
        operation = operations[case.operation.definition.raw["operationId"]]
        use_known(case, known)
        case.headers.pop(TIME_LEFT_MS, None)
        key = uuid7().hex
        actor = _actor(operation, shop)
        if operation.writes:
            token = signer.for_write(shop.business_id, actor, operation.name, key, operation.budget_ms / 1000)
        else:
            token = signer.for_reads(shop.business_id, actor)
        headers = {"Authorization": f"Bearer {token}"} | ({IDEMPOTENCY_KEY: key} if operation.writes else {})
        return case.call(base_url=service.url, session=session, headers=headers, timeout=SECONDS)

    with requests.Session() as session:
        session.trust_env = False
        found = list(violations(schemathesis.openapi.from_dict(document()), send))
    port.close()
    assert not found, "\n".join(found)


def _actor(operation: AnyOperation, shop: Shop) -> Actor:
    """Return staff, or the system for what only the system may do."""
    return shop.staff.actor if "staff" in operation.actors else SYSTEM
