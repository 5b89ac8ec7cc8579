"""One connection pool per module, each under the module's own role."""

from collections.abc import Callable
from dataclasses import dataclass

from monolith.shared.database.database import ModuleDatabase

PoolWait = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class ModuleDatabases:
    """`add_pool` registers a module's pool and its size, and returns the observer of waits for a free connection."""

    url: str
    secret: str
    add_pool: Callable[[str, int], PoolWait] | None = None

    def of(self, module: str, role: str, pool_size: int) -> ModuleDatabase:
        """Return a new pool for `module`. Connects when it is first used."""
        waited = self.add_pool(module, pool_size) if self.add_pool else None
        return ModuleDatabase(self.url, role=role, secret=self.secret, pool_size=pool_size, on_pool_wait=waited)
