"""HTTP requests to addresses that users entered, without reaching into the deployment's own network."""

from monolith.shared.outbound.addresses import AddressRefused, AddressRule, checked_url
from monolith.shared.outbound.client import OutboundClient, OutboundFailed, OutboundReply

__all__ = ["AddressRefused", "AddressRule", "OutboundClient", "OutboundFailed", "OutboundReply", "checked_url"]
