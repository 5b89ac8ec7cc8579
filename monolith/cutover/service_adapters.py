"""The adapters of a process by database: those of its settings, and one for each registered service."""

import threading
from collections.abc import Callable, Iterator, Mapping

from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.cutover.store.registry import read_service_url
from monolith.shared.database import ModuleDatabase


class ServiceAdapters(Mapping[DatabaseName, SchedulingPort]):
    """Builds the adapter of a registered database at its first use, and keeps it. Thread-safe.

    So a database that is registered while processes run needs no restart. An entry's address never changes. Iteration
    yields what was built so far.
    """

    def __init__(
        self,
        of_settings: Mapping[DatabaseName, SchedulingPort],
        database: ModuleDatabase,
        build: Callable[[str], SchedulingPort],
    ) -> None:
        """`build` returns an HTTP adapter for the address of a service."""
        self._adapters = dict(of_settings)
        self._database = database
        self._build = build
        self._lock = threading.Lock()

    def __getitem__(self, name: DatabaseName) -> SchedulingPort:
        """Raises KeyError for a database that is not registered, and DatabaseUnavailable while that is unknown."""
        found = self._adapters.get(name)
        return self._built(name) if found is None else found

    def __iter__(self) -> Iterator[DatabaseName]:
        return iter(dict(self._adapters))

    def __len__(self) -> int:
        return len(self._adapters)

    def _built(self, name: DatabaseName) -> SchedulingPort:
        service_url = self._database.query(lambda connection: read_service_url(connection, name))
        if service_url is None:
            raise KeyError(name)
        with self._lock:
            if name not in self._adapters:
                self._adapters[name] = self._build(service_url)
            return self._adapters[name]
