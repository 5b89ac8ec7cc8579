"""How long a cutover let writes wait."""

from datetime import datetime

from monolith.cutover.store.cutovers import Cutover


def write_pause_ms(cutover: Cutover) -> float | None:
    """How long writes of the business waited: from the request of the fence to an active lease. None when it was never
    fenced, or still is."""
    at = {step["state"]: datetime.fromisoformat(step["at"]) for step in cutover.steps}
    end = at.get("active", cutover.settled_at)
    if "fenced" not in at or end is None:
        return None
    return (end - at["fenced"]).total_seconds() * 1000
