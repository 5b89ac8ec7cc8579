"""Files of custom remedies; each error is one line."""

from pathlib import Path

import pytest

from deploy.errors import CommandError
from loadtests.lab.planning.remedies import read_remedies
from loadtests.lab.results.model import Remedy


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_statements_and_settings_each_become_an_arm(tmp_path: Path) -> None:
    index = file(tmp_path, "tried.sql", "CREATE INDEX tried ON scheduling.claim (starts_at);\n")
    cache = file(tmp_path, "tried.env", "# longer\nAVAILABILITY_CACHE_SECONDS=30\n\nEMPTY=\n")
    assert read_remedies([f"index={index}", f"cache={cache}"]) == {
        "M1-index": Remedy(sql="CREATE INDEX tried ON scheduling.claim (starts_at);\n"),
        "M1-cache": Remedy(settings={"AVAILABILITY_CACHE_SECONDS": "30", "EMPTY": ""}),
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tried.txt", "x", "must end in .sql (statements) or .env (NAME=VALUE lines)"),
        ("tried.sql", " \n", "tried.sql is empty"),
        ("tried.env", "# nothing\n", "tried.env has no settings"),
        ("tried.env", "A=1\nexport B=2\n", "line 2 of "),
        (
            "tried.env",
            "WEB_THREADS=64\n",
            "the laboratory sets WEB_THREADS for every arm: remove line 1 of",
        ),
        ("tried.env", "MONOLITH_DATABASE_URL=x\n", "the laboratory sets MONOLITH_DATABASE_URL"),
    ],
)
def test_invalid_remedy_file_is_rejected(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(CommandError) as refused:
        read_remedies([f"mine={file(tmp_path, name, text)}"])
    assert str(refused.value).startswith("--remedy mine: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("given", ["mine", "mine=", "=x.sql", "My Index=x.sql", "-x=x.sql"])
def test_malformed_remedy_option_is_rejected(given: str) -> None:
    with pytest.raises(CommandError, match="is not NAME=FILE"):
        read_remedies([given])


def test_missing_files_and_repeated_names_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"none\.sql cannot be read"):
        read_remedies([f"mine={tmp_path / 'none.sql'}"])
    index = file(tmp_path, "tried.sql", "SELECT 1")
    with pytest.raises(CommandError, match="--remedy mine was given twice"):
        read_remedies([f"mine={index}", f"mine={index}"])
