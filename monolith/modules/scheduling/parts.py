"""What a topology of scheduling contributes to a process of the monolith."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts.chassis.loops import Loop
from contracts.scheduling.port import OneCallPort

PortDecorator = Callable[[OneCallPort], OneCallPort]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulingParts:
    """`decorators` wrap `port`, outermost first. `loops` run in the worker; `closing` is called when it ends."""

    port: OneCallPort
    decorators: Sequence[PortDecorator] = ()
    loops: Sequence[Loop] = ()
    closing: Sequence[Callable[[], None]] = ()


def decorate(port: OneCallPort, decorators: Sequence[PortDecorator]) -> OneCallPort:
    """Wrap `port` in `decorators`, given outermost first."""
    for decorator in reversed(decorators):
        port = decorator(port)
    return port
