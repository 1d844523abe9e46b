"""Damaged mapping files and hostile cells: one message that names the file, exit code 2, never a traceback."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from world import REPOSITORY

from crm_sync.errors import ConfigError
from crm_sync.mapping_checks import require_valid
from crm_sync.mappings import SEED_COLUMNS, load_mappings

SEEDS = REPOSITORY / "dbt_project" / "seeds"
MACROS = REPOSITORY / "dbt_project" / "macros"
NASTY = [
    "", " ", "\x00", "a\x00b", "²", "９", "9" * 5000, "-1", "1e400", "nan", "inf", "0x10", "‮drowssap", "e\u0301" * 50,
    "\U0001f600",
    "=cmd|' /C calc'!A0", "+1", "@SUM(1)", "' OR 1=1 --", "'; drop table x; --", "{{ env_var('HOME') }}", "{% endif %}",
    "<script>alert(1)</script>", "../../etc/passwd", "true\n", "a,b", '"', "\\", "\t", "x" * 100_000, "None", "NULL",
]  # fmt: skip


def _load(folder: Path) -> None:
    require_valid(load_mappings(folder), MACROS)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    for path in SEEDS.glob("*.csv"):
        shutil.copy(path, folder)
    _load(folder)
    return folder


def _refusal(folder: Path) -> str | None:
    try:
        _load(folder)
    except ConfigError as error:
        return str(error)
    return None


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "header only in another encoding": lambda path: path.write_bytes("objéct".encode("latin-1")),
    "utf-16": lambda path: path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16")),
    "latin-1": lambda path: path.write_bytes(path.read_bytes() + "ä,ö\n".encode("latin-1")),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 20),
    "a NUL": lambda path: path.write_bytes(path.read_bytes() + b"con\x00tact" + b"," * 12 + b"\n"),
    "cut in the middle of a quote": lambda path: path.write_bytes(path.read_bytes() + b'contact,"never closed,a,b\n'),
    "a column less": lambda path: path.write_text(
        "\n".join(line.partition(",")[2] for line in path.read_text(encoding="utf-8").splitlines()), encoding="utf-8"
    ),
    "values without a column": lambda path: path.write_bytes(path.read_bytes() + b"x," * 40 + b"x\n"),
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "semicolons": lambda path: path.write_text(path.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8"),
}


@pytest.mark.parametrize("seed", ["field_mappings", "push_limits", "inclusion_rules"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named(seeds: Path, damage: str, seed: str) -> None:
    DAMAGES[damage](seeds / f"{seed}.csv")
    with pytest.raises(ConfigError, match=rf"{seed}\.csv") as error:
        _load(seeds)
    assert error.value.remedy


def test_hostile_cells_are_refused_or_stay_data(seeds: Path) -> None:
    """Every nasty text in a random cell of every file: a ConfigError that names the file, or nothing at all."""
    random = Random(5)
    refused = 0
    for name in SEED_COLUMNS:
        path = seeds / f"{name}.csv"
        good = path.read_bytes()
        header = good.decode("utf-8").splitlines()[0].split(",")
        for text in NASTY:
            cells = ["x"] * len(header)
            for _ in range(2):
                cells[random.randrange(len(header))] = text
            quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
            path.write_bytes(good + quoted.encode() + b"\n")
            message = _refusal(seeds)
            refused += message is not None
            assert message is None or (f"{name}.csv" in message and len(message) < 20_000)
        path.write_bytes(good)
    assert refused > 100


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("contact,lifecyclestage,Stage__c,two_way,,,clear_first,,,,", None),
        ("contact,lifecyclestage,Stage__c,two_way,,,trim|lower|upper|trim|lower| clear_first,,,,", None),
        ("contact,lifecyclestage,Stage__c,two_way,,clear_first,,,,,", "clear_first stands in to_salesforce"),
        ("task,associations.contacts,WhatId,two_way,,,clear_first,contact,,,", "of associations.contacts"),
        ("contact,lifecyclestage,Stage__c,two_way,,,clear-first,,,,", "'clear-first' is not a transform"),
    ],
)  # fmt: skip
def test_clear_first_is_for_properties_of_hubspot(seeds: Path, row: str, message: str | None) -> None:
    path = seeds / "field_mappings.csv"
    path.write_text(path.read_text(encoding="utf-8") + row + "\n", encoding="utf-8")
    refusal = _refusal(seeds)
    if message is None:
        assert refusal is None
        (mapping,) = [field for field in load_mappings(seeds).fields if field.hubspot_property == "lifecyclestage"]
        assert "clear_first" not in mapping.transforms
    else:
        assert message in (refusal or "")
