"""One connection pool per module, each under the module's own role."""

from collections.abc import Callable
from dataclasses import dataclass

from monolith.shared.database.database import ModuleDatabase

PoolWait = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class ModuleDatabases:
    """`pool_wait` returns, for a module, the observer of its waits for a free connection, in seconds."""

    url: str
    secret: str
    pool_wait: Callable[[str], PoolWait] | None = None

    def of(self, module: str, role: str, pool_size: int) -> ModuleDatabase:
        """Return a new pool for `module`. Connects when it is first used."""
        waited = self.pool_wait(module) if self.pool_wait else None
        return ModuleDatabase(self.url, role=role, secret=self.secret, pool_size=pool_size, on_pool_wait=waited)
