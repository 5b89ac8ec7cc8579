"""The parts that a scheduling topology adds to a process of the monolith."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts.chassis.loops import Loop
from contracts.chassis.readiness import Check
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import AuthApi

PortDecorator = Callable[[SchedulingPort], SchedulingPort]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulingParts:
    """`decorators` wrap `port`, outermost first. `loops` run in the worker; `closing` is called when it ends. `checks`
    are for readiness. `loops_with_auth` builds further loops from auth, which itself is built on the port."""

    port: SchedulingPort
    decorators: Sequence[PortDecorator] = ()
    loops: Sequence[Loop] = ()
    closing: Sequence[Callable[[], None]] = ()
    checks: Sequence[Check] = ()
    loops_with_auth: Callable[[AuthApi], Sequence[Loop]] = lambda auth: ()


def decorate(port: SchedulingPort, decorators: Sequence[PortDecorator]) -> SchedulingPort:
    """Wrap `port` in `decorators`, given outermost first."""
    for decorator in reversed(decorators):
        port = decorator(port)
    return port
