"""Both CRMs in memory, as the pipelines see them: the clients' interface over Python lists.

For what the sandbox servers are too slow for: many thousands of records, and odd answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

from crm_sync.clients import ApiResponse
from crm_sync.clients.salesforce import QueryPage

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def iso(milliseconds: int) -> str:
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


@cache
def _milliseconds(text: str) -> int:
    return ms(datetime.fromisoformat(text))


@dataclass
class Mappings:
    """Stands for crm_sync.mappings.Mappings."""

    hubspot: dict[str, list[str]] = field(default_factory=lambda: {"contacts": ["email", "lastmodifieddate"]})
    salesforce: dict[str, list[str]] = field(
        default_factory=lambda: {"Contact": ["Id", "SystemModstamp", "IsDeleted", "Email"]}
    )
    association_pairs: list[tuple[str, str]] = field(default_factory=list)
    list_names: list[str] = field(default_factory=list)
    salesforce_junctions: list[str] = field(default_factory=list)

    @property
    def hubspot_objects(self) -> list[str]:
        return list(self.hubspot)

    @property
    def salesforce_objects(self) -> list[str]:
        return list(self.salesforce)

    def inclusion_properties(self, side: str, crm_object: str) -> set[str]:
        return set()

    def hubspot_properties(self, object_: str) -> list[str]:
        return self.hubspot[object_]

    def salesforce_fields(self, object_: str) -> list[str]:
        return self.salesforce[object_]


@dataclass
class MemoryHubSpot:
    """A HubSpotClient over records; `asked` lists what was called."""

    records: list[dict[str, Any]] = field(default_factory=list)
    property_names: list[str] = field(default_factory=lambda: ["email", "lastmodifieddate", "hs_merged_object_ids"])
    associations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    on_page: Any = None
    calls: int = 0
    api: Any = field(default_factory=lambda: SimpleNamespace(base_url="https://api.example"))

    def add(self, record_id: int | str, modified_ms: int, archived: bool = False, **properties: Any) -> None:
        self.records = [record for record in self.records if record["id"] != str(record_id)]
        values = {"hs_object_id": str(record_id), "lastmodifieddate": iso(modified_ms), **properties}
        record = {"id": str(record_id), "properties": values, "createdAt": iso(0), "updatedAt": iso(modified_ms)}
        self.records.append({**record, "archived": archived, **({"archivedAt": iso(modified_ms)} if archived else {})})

    def counted(self) -> MemoryHubSpot:
        return self

    def properties(self, object_: str) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "label": name.title(),
                "type": "string",
                "fieldType": "text",
                "modificationMetadata": {"readOnlyValue": name == "lastmodifieddate"},
            }
            for name in self.property_names
        ]

    def pipelines(self, object_: str) -> list[dict[str, Any]]:
        return []

    def owners(self, archived: bool = False) -> Iterator[dict[str, Any]]:
        return iter([{"id": "1", "userId": 7, "email": "a@b.example", "type": "PERSON"}] if not archived else [])

    def list_page(
        self, object_: str, *, properties: Sequence[str], after: str | None = None, archived: bool = False
    ) -> dict[str, Any]:
        self._called("list", properties)
        rows = sorted((r for r in self.records if r["archived"] is archived), key=lambda r: int(r["id"]))
        rows = [row for row in rows if after is None or int(row["id"]) >= int(after)]
        page: dict[str, Any] = {"results": [self._shown(row, properties) for row in rows[:100]]}
        return {**page, "paging": {"next": {"after": rows[100]["id"]}}} if len(rows) > 100 else page

    def search(self, object_: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._called("search", body)
        assert int(body.get("after", 0)) + body["limit"] <= 10_000
        rows = [row for row in self.records if not row["archived"]]
        for condition in (one for group in body["filterGroups"] for one in group["filters"]):
            rows = [row for row in rows if self._holds(row, condition)]
        key = body["sorts"][0]["propertyName"]
        rows.sort(key=lambda row: self._number(row, key), reverse=body["sorts"][0]["direction"] == "DESCENDING")
        start = int(body.get("after", 0))
        page: dict[str, Any] = {
            "total": len(rows),
            "results": [self._shown(row, body["properties"]) for row in rows[start : start + body["limit"]]],
        }
        more = start + body["limit"] < len(rows)
        return {**page, "paging": {"next": {"after": str(start + body["limit"])}}} if more else page

    def batch(
        self, object_: str, operation: str, inputs: Sequence[Mapping[str, Any]], *, archived: bool, properties: Any
    ) -> ApiResponse:
        self._called("batch", properties)
        assert len(inputs) <= 100
        ids = {item["id"] for item in inputs}
        found = [self._shown(row, properties) for row in self.records if row["id"] in ids]
        return ApiResponse(200, {"results": found}, {})

    def associations_batch_read(self, from_: str, to: str, ids: Sequence[Any]) -> ApiResponse:
        self._called("associations", list(ids))
        known = [item for item in ids if item in self.associations]
        results = [{"from": {"id": item}, "to": self.associations[item]} for item in known]
        errors = [{"category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}]
        return ApiResponse(207, {"results": results, "errors": errors}, {})

    def search_lists(self, query: str) -> Iterator[dict[str, Any]]:
        for number, name in enumerate(self.lists):
            if query.lower() in name.lower():
                yield {"listId": str(number), "name": name, "objectTypeId": "0-1"}

    def list_memberships(self, list_id: str) -> Iterator[str]:
        return iter(list(self.lists.values())[int(list_id)])

    def _called(self, what: str, details: Any) -> None:
        self.calls += 1
        self.asked.append((what, details))
        if self.on_page is not None:
            self.on_page(self)

    @staticmethod
    def _number(row: Mapping[str, Any], name: str) -> int:
        if name == "hs_object_id":
            return int(row["id"])
        return _milliseconds(row["properties"]["lastmodifieddate"])

    def _holds(self, row: Mapping[str, Any], condition: Mapping[str, str]) -> bool:
        value, wanted = self._number(row, condition["propertyName"]), int(condition["value"])
        holds = {"GTE": value >= wanted, "EQ": value == wanted, "GT": value > wanted, "LT": value < wanted}
        return holds[condition["operator"]]

    @staticmethod
    def _shown(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
        shown = {name: row["properties"].get(name) for name in {*names, "hs_object_id", "lastmodifieddate"}}
        return {**row, "properties": shown}


@dataclass
class MemorySalesforce:
    """A SalesforceClient over records."""

    records: list[dict[str, Any]] = field(default_factory=list)
    field_names: list[str] = field(default_factory=lambda: ["Id", "SystemModstamp", "IsDeleted", "Email"])
    asked: list[str] = field(default_factory=list)
    page_size: int = 2_000
    calls: int = 0

    def counted(self) -> MemorySalesforce:
        return self

    def queries(self, soqls: Sequence[str], all_rows: bool = False) -> list[Iterator[QueryPage]]:
        return [self.query(soql, all_rows) for soql in soqls]

    def describe(self, object_: str) -> dict[str, Any]:
        self.calls += 1
        return {"fields": [{"name": name, "type": "string", "length": 80} for name in self.field_names]}

    def identity(self) -> Any:
        return SimpleNamespace(
            user_id="005000000000001AAA", organization_id="00D000000000001", instance_url="https://x"
        )

    def query(self, soql: str, all_rows: bool = False) -> Iterator[QueryPage]:
        self.asked.append(soql)
        names, object_, rest = re.fullmatch(r"SELECT (.+?) FROM (\w+) ?(.*)", soql, re.S).groups()  # type: ignore[union-attr]
        if object_ in ("User", "RecordType"):
            self.calls += 1
            user = {"Id": "005000000000001AAA", "Username": "sync@example.com", "IsActive": True}
            yield QueryPage([user] if object_ == "User" else [], None)
            return
        rows = sorted(self.records, key=lambda row: (row["SystemModstamp"], row["Id"]))
        if (since := re.search(r"SystemModstamp >= (\S+)", rest)) is not None:
            moment = datetime.fromisoformat(since[1])
            rows = [row for row in rows if datetime.fromisoformat(row["SystemModstamp"]) >= moment]
        if "SystemModstamp DESC" in rest:
            rows.reverse()
        if "Id IN (" in rest:
            wanted = set(re.findall(r"'(\w+)'", rest))
            rows = [row for row in rows if row["Id"] in wanted]
        shown = [{"attributes": {"type": object_}, **{n: row.get(n) for n in names.split(", ")}} for row in rows]
        for start in range(0, max(len(shown), 1), self.page_size):
            self.calls += 1
            yield QueryPage(shown[start : start + self.page_size], len(shown))
