"""What every request passes through, whatever it asks for."""

from monolith.shared.middleware.request_context import RequestContext, current_request_context

__all__ = ["RequestContext", "current_request_context"]
