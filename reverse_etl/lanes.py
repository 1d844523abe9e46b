"""The order of the push within one push order: a lane for each CRM, side by side.

Owns which stage may begin when. Stages of one CRM follow one another; HubSpot's updates and associations wait for the
creates in Salesforce, whose ids they may carry. Units of one stage go side by side, but never two on the same record.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reverse_etl.batches import batched
from reverse_etl.crew import Crew, Unit
from reverse_etl.diffs import Stage
from reverse_etl.operations import CREATE, HUBSPOT, SALESFORCE, Operation
from reverse_etl.salesforce_bulk import SalesforceBulk
from reverse_etl.writers import Writer

#: Two units keep the threads busy: while one is checked or read back, the other is written.
UNITS_AT_ONCE = 2
MakeUnit = Callable[[Writer, Sequence[Operation], SalesforceBulk | None], Unit]


@dataclass
class _Lane:
    """One CRM's stages: the first of `stages` is under way when it has units."""

    writer: Writer
    stages: deque[Stage]
    bulk: SalesforceBulk | None = None
    units: Iterator[list[Operation]] | None = None
    following: list[Operation] | None = None
    keys: list[set[str]] = field(default_factory=list)
    done: int = 0


class Lanes:
    """Runs the stages of one push order."""

    def __init__(
        self,
        crew: Crew,
        writers: Mapping[str, Writer],
        make_unit: MakeUnit,
        operations: Callable[[Stage], Iterable[Operation]],
        on_progress: Callable[[Stage, int], None],
    ) -> None:
        self._crew = crew
        self._writers = writers
        self._make_unit = make_unit
        self._operations = operations
        self._on_progress = on_progress
        self._lanes: dict[str, _Lane] = {}

    def run(self, stages: Sequence[Stage]) -> None:
        """Push all operations of the stages, which are in order."""
        for stage in stages:
            lane = self._lanes.setdefault(stage.target, _Lane(self._writers[stage.target], deque()))
            lane.stages.append(stage)
        while self._lanes:
            for target, lane in list(self._lanes.items()):
                self._feed(lane)
                if not lane.stages:
                    del self._lanes[target]
            if self._crew.is_busy:
                self._crew.wait()

    def _feed(self, lane: _Lane) -> None:
        """Begin as many units as may go side by side, and the next stage when one is through."""
        while lane.stages and len(lane.keys) < min(UNITS_AT_ONCE, lane.writer.at_once):
            stage = lane.stages[0]
            if lane.units is None:
                if self._must_wait(stage):
                    return
                lane.bulk = lane.writer.bulk(stage.operation, stage.operations)
                size = lane.bulk.unit_size if lane.bulk else lane.writer.unit_size(stage.operation)
                lane.units, lane.done = batched(self._operations(stage), size), 0
            lane.following = lane.following or next(lane.units, None)
            if lane.following is None:
                if lane.keys:
                    return
                lane.stages.popleft()
                lane.units = None
            elif not self._begin(lane, stage, lane.following):
                return

    def _begin(self, lane: _Lane, stage: Stage, operations: list[Operation]) -> bool:
        """Begin a unit, unless one of its records is being written just now."""
        keys = {operation.batch_key or operation.operation_id for operation in operations}
        if any(keys & others for others in lane.keys):
            return False

        def end() -> None:
            lane.keys.remove(keys)
            lane.done += len(operations)
            self._on_progress(stage, lane.done)

        lane.following = None
        lane.keys.append(keys)
        self._crew.begin(stage.target, self._make_unit(lane.writer, operations, lane.bulk), end)
        return True

    def _must_wait(self, stage: Stage) -> bool:
        """Whether a stage needs ids that the other CRM still has to give."""
        if stage.target != HUBSPOT or stage.operation == CREATE:
            return False
        other = self._lanes.get(SALESFORCE)
        return other is not None and any(one.operation == CREATE for one in other.stages)
