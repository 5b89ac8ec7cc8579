"""Middleware: the layers that every request passes."""

from monolith.shared.middleware.request_context import RequestContext, current_request_context

__all__ = ["RequestContext", "current_request_context"]
