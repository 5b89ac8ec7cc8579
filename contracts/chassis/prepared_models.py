"""Models that several threads may use at once."""

from collections.abc import Iterator

import msgspec


def prepare_models() -> None:
    """Prepare all models that have been imported. Call it before a process starts threads; it takes some milliseconds.

    msgspec reads the fields of a struct when it is first decoded or converted, and publishes the result before it is
    complete: if another thread uses the struct at that moment, the process ends with a segmentation fault (0.22.0).
    """
    for model in set(_subclasses(msgspec.Struct)):
        msgspec.json.Decoder(model)


def _subclasses(parent: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for each in parent.__subclasses__():
        yield each
        yield from _subclasses(each)
