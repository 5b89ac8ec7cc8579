"""Write the reference of all settings: `python -m deploy.settings`."""

from pathlib import Path

from deploy.settings.page import settings_page

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"

if __name__ == "__main__":
    PAGE.write_text(settings_page())
