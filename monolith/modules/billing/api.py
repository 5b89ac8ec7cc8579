"""The public interface of billing."""

from monolith.modules.billing.fees import fee_of
from monolith.modules.billing.model import (
    CreditNote,
    Invoice,
    InvoiceLine,
    InvoicePage,
    InvoicesQuery,
    InvoiceSummary,
    Payment,
    Price,
    PriceList,
    RecordPayment,
    SetPrice,
    State,
    Subject,
    TrialBalance,
)
from monolith.modules.billing.reconciliation import AppointmentRecord
from monolith.modules.billing.service import BillingService as BillingApi

__all__ = [
    "AppointmentRecord",
    "BillingApi",
    "CreditNote",
    "Invoice",
    "InvoiceLine",
    "InvoicePage",
    "InvoiceSummary",
    "InvoicesQuery",
    "Payment",
    "Price",
    "PriceList",
    "RecordPayment",
    "SetPrice",
    "State",
    "Subject",
    "TrialBalance",
    "fee_of",
]
