"""Declaration of the JSON API: endpoints, access rules, routes and the OpenAPI document."""

from monolith.shared.endpoints.call import Call
from monolith.shared.endpoints.endpoint import Access, AnyEndpoint, Endpoint
from monolith.shared.endpoints.errors import ApiError
from monolith.shared.endpoints.identity import BusinessRef, Principal, PublicDetails, Role

__all__ = ["Access", "AnyEndpoint", "ApiError", "BusinessRef", "Call", "Endpoint", "Principal", "PublicDetails", "Role"]
