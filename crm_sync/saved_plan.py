"""A plan kept in a file, and the promise that a sync writes exactly that or nothing.

Owns the file. Two plans are the same when they write the same values over the same values in the same records; why is
not compared. Decides nothing: a sync with a saved plan extracts and decides like any other, and stops where it would
write anything else.
"""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_sync.errors import ConfigError, GuardStop
from crm_sync.plan import Plan, PlannedOperation

FORMAT = 1
_SHOWN = 5


@dataclass(frozen=True)
class SavedPlan:
    """What somebody has looked at and agreed to."""

    name: str
    target: str
    operations: tuple[Mapping[str, Any], ...]

    def require_target(self, target: str) -> None:
        """Raise ConfigError when the plan was made for another target."""
        if self.target != target:
            raise ConfigError(
                f"{self.name} is a plan for the target {self.target}, not for {target}.", "Make a plan for this target."
            )

    def require_same(self, plan: Plan) -> None:
        """Raise GuardStop when what would be written now is not what was planned."""
        planned = Counter(_digest(_key(operation)) for operation in self.operations)
        now = Counter(_digest(_key(operation)) for operation in map(_document, plan.operations))
        gone, new = planned - now, now - planned
        if not gone and not new:
            return
        gone_keys = [key for operation in self.operations if _digest(key := _key(operation)) in gone]
        new_keys = [key for one in plan.operations if _digest(key := _key(_document(one))) in new]
        lines = [f"  no longer: {_shown(key)}" for key in sorted(set(gone_keys))][:_SHOWN]
        lines += [f"  new:       {_shown(key)}" for key in sorted(set(new_keys))][:_SHOWN]
        raise GuardStop(
            f"Nothing was pushed, because what would be written is no longer what {self.name} says: "
            f"{sum(gone.values()):,} planned operations have gone or changed, {sum(new.values()):,} are new.\n"
            + "\n".join(lines),
            "Make a new plan (crm-sync plan --out FILE), look at it, and apply that one.",
        )


def save_plan(path: Path, plan: Plan, target: str, run_id: str) -> None:
    """Write a plan to a file that only its owner may read: it holds customers' data."""
    head = {"format": FORMAT, "target": target, "run_id": run_id}
    try:
        path.touch(mode=0o600)
        with path.open("w", encoding="utf-8") as file:
            file.write(json.dumps(head, indent=2).removesuffix("\n}") + ',\n  "operations": [')
            for place, operation in enumerate(plan.operations):
                text = json.dumps(_document(operation), ensure_ascii=False, indent=2)
                file.write((",\n" if place else "\n") + textwrap.indent(text, "    "))
            file.write("\n  ]\n}\n")
    except OSError as error:
        raise ConfigError(f"The plan cannot be written to {path}: {error.strerror}.", "Name another file.") from None


def load_plan(path: Path) -> SavedPlan:
    """Read a saved plan. Raises ConfigError for anything that is not one."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The plan {path} cannot be read: {error.strerror}.", "Name an existing file.") from None
    except ValueError:
        raise ConfigError(f"{path} is not a saved plan.", "Make one: crm-sync plan --out FILE") from None
    operations = document.get("operations") if isinstance(document, dict) else None
    if not isinstance(operations, list) or document.get("format") != FORMAT:
        raise ConfigError(f"{path} is not a saved plan.", "Make one: crm-sync plan --out FILE")
    return SavedPlan(path.name, str(document.get("target")), tuple(operations))


def approved_plan(path: Path | None, target: str) -> SavedPlan | None:
    """The saved plan that a sync is held to, if any. Raises ConfigError when it is not one for this target."""
    if path is None:
        return None
    saved = load_plan(path)
    saved.require_target(target)
    return saved


def _document(operation: PlannedOperation) -> dict[str, Any]:
    """Without what only names the record to people, and may change while what is written does not."""
    return {name: part for name, part in operation.document().items() if name not in ("crm_object", "name")}


def _key(operation: Mapping[str, Any]) -> str:
    """An operation without the reasons."""
    changes = [{name: one[name] for name in ("field", "old", "new")} for one in operation.get("changes", [])]
    return json.dumps({**operation, "changes": changes}, sort_keys=True, ensure_ascii=False)


def _digest(key: str) -> bytes:
    """Keys are long, and a plan may have a million of them."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _shown(key: str) -> str:
    operation = json.loads(key)
    fields = ", ".join(change["field"] for change in operation["changes"][:8])
    record = operation.get("hubspot_id") if operation["target"] == "hubspot" else operation.get("salesforce_id")
    return f"{operation['operation']} {operation['target']} {operation['object']} {record or '(new)'}: {fields}"
