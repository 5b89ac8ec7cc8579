"""A process and all that it started: what one measures, holds to a core or to a quota."""

import psutil


def process_tree(pid: int) -> list[psutil.Process]:
    """Itself first, then its descendants that run now. Raises psutil.NoSuchProcess when it does not."""
    process = psutil.Process(pid)  # type: ignore[no-untyped-call]
    return [process, *process.children(recursive=True)]  # type: ignore[no-untyped-call]
