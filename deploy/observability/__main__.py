"""Write the dashboards and the rules of the objectives: `python -m deploy.observability`."""

import json
from pathlib import Path
from typing import Final

from deploy.observability.dashboards.cutover import CUTOVER
from deploy.observability.dashboards.events import EVENTS
from deploy.observability.dashboards.golden_signals import GOLDEN_SIGNALS
from deploy.observability.objectives import rules

FOLDER: Final = Path(__file__).parent


def written_files() -> dict[Path, str]:
    """Return the content of each file that is generated from code."""
    dashboards = {
        FOLDER / "grafana" / f"{each.name}.json": json.dumps(each.document(), indent=2) + "\n"
        for each in (GOLDEN_SIGNALS, CUTOVER, EVENTS)
    }
    return dashboards | {FOLDER / "prometheus" / "objectives.yml": rules()}


if __name__ == "__main__":
    for path, content in written_files().items():
        path.write_text(content)
