"""What every request passes through, whatever it asks for."""

from monolith.shared.middleware.exchange import Exchange, current_exchange

__all__ = ["Exchange", "current_exchange"]
