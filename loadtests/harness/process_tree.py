"""A server process and its descendants, the unit that is pinned, limited and measured."""

import psutil


def process_tree(pid: int) -> list[psutil.Process]:
    """Return the process, followed by its running descendants. Raises psutil.NoSuchProcess if it has ended."""
    process = psutil.Process(pid)  # type: ignore[no-untyped-call]
    return [process, *process.children(recursive=True)]  # type: ignore[no-untyped-call]
