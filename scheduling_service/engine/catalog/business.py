"""Open a business, and change its name and zone."""

from contracts.scheduling import models as m
from scheduling_service.engine.store import catalog as store
from scheduling_service.engine.write_transaction import Write


def open_business(write: Write, request: m.OpenBusiness) -> m.Business:
    """Open the business, or return it unchanged if it is open already."""
    business_id = write.ctx.business_id
    if write.rules_version == 0:
        store.insert_business(write.db, business_id, request.name, request.zone)
        return m.Business(business_id=business_id, name=request.name, zone=request.zone, epoch=1)
    return m.Business(business_id=business_id, name=write.business_name, zone=write.business_zone, epoch=write.epoch)


def update_business(write: Write, request: m.UpdateBusiness) -> m.Business:
    """Change name and zone."""
    store.update_business(write.db, write.ctx.business_id, request.name, request.zone)
    return m.Business(business_id=write.ctx.business_id, name=request.name, zone=request.zone, epoch=write.epoch)
