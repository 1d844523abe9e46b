"""HubSpot associations: which record another one is associated with, read and written in batches.

Owns association types. A pair of objects with a primary label has one value, the primary record; any other pair is
a set of ids joined by `;`. Removing a primary keeps the plain association, and labels that people gave are never
touched. [HubSpot docs: crm/associations v4]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm_sync.clients import HubSpotClient
from crm_sync.clients.errors import Refused
from reverse_etl.batches import error_code, parts_of
from reverse_etl.hubspot_replies import error_code_of, errors_of, results_of
from reverse_etl.operations import Operation
from reverse_etl.values import text


@dataclass(frozen=True, slots=True)
class PrimaryTypes:
    """The association type ids of a pair of objects that has a primary."""

    primary: int
    unlabelled: int


#: The most pairs in one call; the documented 2,000 hold for some forms only. [HubSpot docs: crm/associations v4]
CALL_SIZE = 1_000

#: HubSpot-defined types [HubSpot docs: crm/associations, type id values]
PRIMARY_TYPES = {
    ("contacts", "companies"): PrimaryTypes(primary=1, unlabelled=279),
    ("deals", "companies"): PrimaryTypes(primary=5, unlabelled=341),
}


@dataclass(frozen=True, slots=True)
class _Pair:
    operation: Operation
    to_id: str


@dataclass
class AssociationFailures:
    """By operation id: code and message of the first association that was refused."""

    by_operation: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, operation: Operation, code: str, message: str) -> None:
        self.by_operation.setdefault(operation.operation_id, (code, message))


class HubSpotAssociations:
    """Reads and writes associations of one HubSpot account."""

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client

    def read(self, from_object: str, to_object: str, ids: Sequence[str]) -> dict[str, str | None]:
        """What each record is associated with: the primary's id, or the sorted ids joined by `;`."""
        body = self._client.associations_batch_read(from_object, to_object, list(ids)).body
        primary = PRIMARY_TYPES.get((from_object, to_object))
        found: dict[str, str | None] = dict.fromkeys(ids)
        for result in results_of(body):
            from_id = _id(result.get("from"))
            ends = result.get("to")
            others = [other for other in (ends if isinstance(ends, list) else []) if isinstance(other, dict)]
            if primary is not None:
                others = [other for other in others if primary.primary in _type_ids(other)]
            to_ids = sorted(text(other.get("toObjectId")) or "" for other in others)
            if from_id in found:
                found[from_id] = ";".join(to_ids[:1] if primary else to_ids) or None
        return found

    def write(self, operations: Sequence[Operation]) -> AssociationFailures:
        """Bring the associations of the operations' records about.

        New ones are made before old ones are taken away, so that a failure in between loses nothing.
        """
        failures = AssociationFailures()
        for to_object in sorted({name for operation in operations for name in operation.associations}):
            changing = [operation for operation in operations if to_object in operation.associations]
            added, removed = [], []
            for operation in changing:
                wanted = _members(operation.associations[to_object])
                held = _members(operation.previous.get(f"associations.{to_object}"))
                added += [_Pair(operation, to_id) for to_id in wanted if to_id not in held]
                removed += [_Pair(operation, to_id) for to_id in held if to_id not in wanted]
            self._add(to_object, added, failures)
            kept = [pair for pair in removed if pair.operation.operation_id not in failures.by_operation]
            self._remove(to_object, kept, failures)
        return failures

    def _add(self, to_object: str, pairs: Sequence[_Pair], failures: AssociationFailures) -> None:
        for from_object, group in _by_object(pairs):
            primary = PRIMARY_TYPES.get((from_object, to_object))
            type_ids = (primary.primary, primary.unlabelled) if primary else ()

            def send(inputs: list[dict[str, Any]], from_object: str = from_object, default: bool = not type_ids) -> Any:
                return self._client.associations_batch_create(from_object, to_object, inputs, default).body

            self._send([(pair, _input(pair, type_ids)) for pair in group], send, failures)

    def _remove(self, to_object: str, pairs: Sequence[_Pair], failures: AssociationFailures) -> None:
        for from_object, group in _by_object(pairs):
            primary = PRIMARY_TYPES.get((from_object, to_object))
            if primary is not None:
                inputs = [(pair, _input(pair, (primary.primary,))) for pair in group]
            else:
                inputs = [(pair, _removal(pair)) for pair in group]

            def send(
                inputs: list[dict[str, Any]], from_object: str = from_object, is_label: bool = primary is not None
            ) -> Any:
                if is_label:
                    return self._archive_labels(from_object, to_object, inputs)
                return self._client.associations_batch_archive(from_object, to_object, inputs).body

            self._send(inputs, send, failures)

    def _archive_labels(self, from_object: str, to_object: str, inputs: Sequence[Mapping[str, Any]]) -> Any:
        """POST /crm/v4/associations/{from}/{to}/batch/labels/archive: takes only the named labels away."""
        return self._client.api.request(
            "POST",
            f"/crm/v4/associations/{from_object}/{to_object}/batch/labels/archive",
            json={"inputs": list(inputs)},
            retry_unknown=True,
            expect=(200, 204, 207),
        ).body

    def _send(
        self,
        inputs: Sequence[tuple[_Pair, dict[str, Any]]],
        send: Callable[[list[dict[str, Any]]], Any],
        failures: AssociationFailures,
    ) -> None:
        """Send pairs, halving what is refused as a whole."""
        queue = [list(part) for part in parts_of(inputs, CALL_SIZE)]
        while queue:
            part = queue.pop()
            try:
                body = send([one for _, one in part])
            except Refused as refusal:
                if type(refusal) is not Refused:
                    raise
                if len(part) > 1 and refusal.status not in (403, 404):
                    queue += [part[len(part) // 2 :], part[: len(part) // 2]]
                    continue
                for pair, _ in part:
                    failures.add(pair.operation, error_code(refusal), refusal.message)
                continue
            if errors := errors_of(body):
                _blame(part, body, errors, failures)


def _blame(
    inputs: Sequence[tuple[_Pair, dict[str, Any]]],
    body: Any,
    errors: Sequence[Mapping[str, Any]],
    failures: AssociationFailures,
) -> None:
    """Find the pairs without a result, and the error that mentions each."""
    made = {(_end(result, "from"), _end(result, "to")) for result in results_of(body)}
    for pair, one in inputs:
        from_id = one["from"]["id"]
        if (from_id, pair.to_id) in made:
            continue
        mentioning = [error for error in errors if {from_id, pair.to_id} & _mentioned(error)]
        error = (mentioning or list(errors))[0]
        failures.add(pair.operation, error_code_of(error), text(error.get("message")) or "association refused")


def _mentioned(error: Mapping[str, Any]) -> set[str]:
    context = error.get("context")
    values = context.values() if isinstance(context, dict) else ()
    return {str(item) for value in values for item in (value if isinstance(value, list) else [value])}


def _input(pair: _Pair, type_ids: Sequence[int]) -> dict[str, Any]:
    ends = {"from": {"id": pair.operation.record_id}, "to": {"id": pair.to_id}}
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id} for type_id in type_ids]
    return {**ends, "types": types} if types else ends


def _removal(pair: _Pair) -> dict[str, Any]:
    return {"from": {"id": pair.operation.record_id}, "to": [{"id": pair.to_id}]}


def _by_object(pairs: Iterable[_Pair]) -> list[tuple[str, list[_Pair]]]:
    groups: dict[str, list[_Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.operation.crm_object, []).append(pair)
    return sorted(groups.items())


def _type_ids(other: Mapping[str, Any]) -> set[Any]:
    types = other.get("associationTypes")
    return {
        one.get("typeId")
        for one in (types if isinstance(types, list) else [])
        if isinstance(one, dict) and one.get("category") == "HUBSPOT_DEFINED"
    }


def _members(value: str | None) -> list[str]:
    return [part.strip() for part in (value or "").split(";") if part.strip()]


def _end(result: Mapping[str, Any], side: str) -> str:
    """The id of one end of a created association, in either of the forms in which replies give it."""
    return text(result.get(f"{side}ObjectId")) or _id(result.get(side))


def _id(end: Any) -> str:
    return (text(end.get("id")) or "") if isinstance(end, dict) else ""
