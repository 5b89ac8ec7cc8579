"""The page of all settings: `settings_page()` returns its text."""

from collections.abc import Iterator

from deploy.settings.inspection import ReadSetting, read_settings_of
from deploy.settings.meanings import MEANINGS
from deploy.settings.processes import COMMAND_SETTINGS, DEMO_SETTINGS, PROCESSES

_HEAD = """# Settings

Every process reads its settings from environment variables when it starts. A missing or malformed one ends the process
with exit code 2 and one line that names it and the remedy. Secrets have no default. This page is generated from the
code by `python -m deploy.settings`; tests compare it with what the code reads.
"""


def settings_page() -> str:
    """Return the page as Markdown: settings by process, then each setting."""
    found = {process.name: read_settings_of(process) for process in PROCESSES}
    return "\n".join([_HEAD, *_process_table(found), "", *_setting_table(found), ""])


def _process_table(found: dict[str, dict[str, ReadSetting]]) -> Iterator[str]:
    yield from ("## By process", "", "| process | command | required | optional |", "| --- | --- | --- | --- |")
    for process in PROCESSES:
        settings = found[process.name].values()
        required = _names(setting.name for setting in settings if setting.required)
        optional = _names(setting.name for setting in settings if not setting.required)
        yield f"| {process.name} | `{' '.join(process.command)}` | {required} | {optional} |"
    yield f"| `extraction` command | `extraction COMMAND` | | {_names(COMMAND_SETTINGS)} |"
    yield f"| demo | `make demo` | | {_names(DEMO_SETTINGS)} |"
    yield ""
    yield from ("| process | database roles whose passwords it needs |", "| --- | --- |")
    for process in PROCESSES:
        if process.roles:
            roles = "; ".join(f"{database}: {_names(iter(names))}" for database, names in process.roles.items())
            yield f"| {process.name} | {roles} |"
    yield ""
    yield "A set-up also accepts the administrator's password in `PGPASSWORD`, where the URL should not contain it."


def _setting_table(found: dict[str, dict[str, ReadSetting]]) -> Iterator[str]:
    yield from ("## By name", "", "| setting | value | default | meaning |", "| --- | --- | --- | --- |")
    for name, meaning in MEANINGS.items():
        forms = {settings[name].form for settings in found.values() if name in settings}
        default = {None: "", "": "empty"}.get(meaning.default, f"`{meaning.default}`")
        yield f"| `{name}` | {'; '.join(sorted(forms - {''}))} | {default} | {meaning.text} |"


def _names(names: "Iterator[str] | tuple[str, ...]") -> str:
    return ", ".join(f"`{name}`" for name in names)
