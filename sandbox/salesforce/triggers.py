"""What a save implies: derived fields of standard objects, and triggers that a test may switch on.

Owns: the consequences within one row. Refuses: other rows (`saving`), checks (`validation`, `rules`).
[Salesforce docs: Opportunity: Probability and ForecastCategoryName follow StageName unless sent]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from typing import Any

from sandbox.salesforce.schema.fields import SObject
from sandbox.salesforce.schema.picklists import FORECAST_CODES

Row = dict[str, Any]
StageOf = Callable[[str], Mapping[str, Any] | None]

PHONE_FIELDS = {"Contact": ("Phone", "MobilePhone"), "Account": ("Phone",)}
_DIGITS = re.compile(r"\D+")


def format_phone(text: str) -> str:
    """A phone that looks American as `(415) 555-0100`; any other unchanged."""
    digits = _DIGITS.sub("", text)
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    if len(digits) != 10 or (text.lstrip().startswith("+") and not text.lstrip().startswith("+1")):
        return text
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"


def run_format_phone(sobject: SObject, row: Row) -> None:
    for name in PHONE_FIELDS.get(sobject.name, ()):
        if row.get(name):
            row[name] = format_phone(row[name])


def fill(template: str, row: Row) -> str:
    """A template such as `{LastName} ({Department})` with the row's values; blanks are empty."""
    return re.sub(r"\{(\w+)\}", lambda match: str(row.get(match[1]) or ""), template).strip()


TRIGGERS: dict[str, Callable[[SObject, Row], None]] = {"format_phone": run_format_phone}


def derive(sobject: SObject, row: Row, old: Row | None, sent: Container[str], stage_of: StageOf, now: str) -> None:
    """Fill in what follows from other fields of the same row."""
    if sobject.name in ("Contact", "Lead", "User"):
        row["Name"] = " ".join(part for part in (row.get("FirstName"), row.get("LastName")) if part)
    if sobject.name == "Opportunity":
        _derive_opportunity(row, old, sent, stage_of, now)
    elif sobject.name == "Task":
        row["IsClosed"] = row.get("Status") == "Completed"
        row["IsHighPriority"] = row.get("Priority") == "High"
        if row["IsClosed"] and not row.get("CompletedDateTime"):
            row["CompletedDateTime"] = now
    elif sobject.name == "CampaignMember":
        row["HasResponded"] = row.get("Status") == "Responded"
    elif sobject.name == "User" and old is None:
        alias = (row.get("LastName") or "user")[:8].lower()
        row["Alias"] = row.get("Alias") or alias
        row["CommunityNickname"] = row.get("CommunityNickname") or (row.get("Username") or alias)[:40]


def _derive_opportunity(row: Row, old: Row | None, sent: Container[str], stage_of: StageOf, now: str) -> None:
    is_moved = old is None or old["StageName"] != row["StageName"]
    if is_moved and row.get("StageName"):
        stage = stage_of(row["StageName"]) or {}
        category = stage.get("ForecastCategoryName") or "Pipeline"
        row["IsClosed"] = bool(stage.get("IsClosed"))
        row["IsWon"] = bool(stage.get("IsWon"))
        if "Probability" not in sent:
            row["Probability"] = stage.get("DefaultProbability", 0.0)
        if "ForecastCategoryName" not in sent:
            row["ForecastCategoryName"] = category
        if old is not None:
            row["LastStageChangeDate"] = now
    name = row.get("ForecastCategoryName") or "Pipeline"
    row["ForecastCategory"] = FORECAST_CODES.get(name, "Pipeline")
    amount, probability = row.get("Amount"), row.get("Probability")
    row["ExpectedRevenue"] = None if amount is None else round(amount * (probability or 0.0) / 100, 2)
    if row.get("CloseDate"):
        year, month = int(row["CloseDate"][:4]), int(row["CloseDate"][5:7])
        row["FiscalYear"], row["FiscalQuarter"] = year, (month - 1) // 3 + 1
        row["Fiscal"] = f"{year} {row['FiscalQuarter']}"
    row["PushCount"] = row.get("PushCount") or 0
