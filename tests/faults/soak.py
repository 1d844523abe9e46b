"""The soak: syncs that are killed, and CRMs that misbehave, while people work in both; judged after every round.

    python tests/faults/soak.py --kills 200 --faults 20 --seed 1
    python tests/faults/soak.py --minutes 60

Each round has a seed of its own, which is printed; `--seed N --rounds 1` repeats it. Ends with exit code 1 at the first
broken promise, and says how to repeat it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "scenarios", HERE.parents[1]):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from soak_checker import Checker, read_warehouse  # noqa: E402
from soak_child import CRASHED, KILLED, Ended, in_a_process_of_its_own, kills, run_sync, warm_up  # noqa: E402
from soak_people import Office  # noqa: E402
from world import World  # noqa: E402

from sandbox import control  # noqa: E402

#: Syncs that a round may take to come to rest once everything behaves again.
MOST_SYNCS = 6
ROUNDS_PER_WORLD = 12


class BrokenPromise(Exception):
    """What the checker found, with the round's seed."""


class Soak:
    """Rounds in one pair of CRMs after the other."""

    def __init__(self, folder: Path, tell: Any = print, is_quick: bool = False) -> None:
        self.folder = folder
        self.state_dir = folder / "sandbox"
        self.tell = tell
        self._most_kills, self._most_plans = (2, 1) if is_quick else (8, 3)
        self._is_quick = is_quick
        self.killed: Counter[str] = Counter()
        self.injected: Counter[str] = Counter()
        self.syncs = 0
        self.broken = 0
        self._worlds = 0
        self._log = folder / "syncs.log"

    def start(self) -> None:
        self.state_dir.mkdir(parents=True)
        control.start(self.state_dir, demo=False)

    def stop(self) -> None:
        control.stop(self.state_dir)

    def new_office(self, random: Random) -> Office:
        """Empty CRMs, a new warehouse, and things that a first sync has brought into agreement."""
        self._worlds += 1
        for crm in control.CRMS:
            control.clear_faults(self.state_dir, crm)
        control.reset(self.state_dir, demo=False)
        for crm in control.CRMS:
            control.change_settings(self.state_dir, crm, rate_limits=False)
        folder = self.folder / f"world{self._worlds}"
        folder.mkdir()
        world = World(self.state_dir, folder)
        world.set_up()
        if self._worlds == 1:
            warm_up(world)
        office = Office(world, random)
        office.open()
        ended = run_sync(world, self._log)
        self._ended(ended, allowed=(0,))
        # a later sync has less to do than the first: half as many points are a fair guess until one was measured
        self._measures = ({kind: max(1, number // 2) for kind, number in ended.points.items()}, ended.seconds)
        if not self._is_quick:
            self._measure(office)
        return office

    # ------------------------------------------------------------ rounds

    def killing(self, office: Office, seed: int) -> int:
        """A round of syncs that die one after the other, people working in between, then syncs that may end."""
        random = Random(f"kill {seed}")
        office.random = random
        office.work(edits=random.randint(2, 8), creates=0.8)
        points, seconds = self._measures
        most = random.randint(1, self._most_kills)
        done = 0
        for kill in kills(random, points, seconds):
            ended = run_sync(office.world, self._log, kill)
            self._ended(ended, allowed=(0, KILLED))
            self.killed[str(kill.kind or "random moment")] += ended.code == KILLED
            done += ended.code == KILLED
            if done >= most:
                break
            # a sync that had less to do has ended before its point came: the next one has something to do
            office.work(edits=random.randint(1, 3), creates=0.3, deletes=0.02)
        self._come_to_rest(office, seed)
        return done

    def misbehaving(self, office: Office, seed: int) -> None:
        """A round of syncs against CRMs that misbehave, people working meanwhile, then syncs against good ones."""
        random = Random(f"faults {seed}")
        office.random = random
        office.work(edits=random.randint(3, 8), creates=1.0)
        for _ in range(random.randint(1, self._most_plans)):
            for crm in control.CRMS:
                control.set_faults(self.state_dir, crm, {"seed": seed, "rules": list(_rules(random, crm))})
            people = _Meanwhile(office, random)
            self._ended(run_sync(office.world, self._log, meanwhile=people), allowed=(0, 1))
            for crm in control.CRMS:
                for rule in control.faults(self.state_dir, crm)["rules"]:
                    self.injected[f"{crm} {rule['kind']}"] += rule["injected"]
                control.clear_faults(self.state_dir, crm)
        for crm in control.CRMS:
            control.change_settings(self.state_dir, crm, index_lag_ms=0)
        self._come_to_rest(office, seed)

    def _come_to_rest(self, office: Office, seed: int) -> None:
        for _ in range(MOST_SYNCS):
            before = self._writes()
            self._ended(run_sync(office.world, self._log), allowed=(0,))
            if self._writes() == before:
                break
        else:
            raise BrokenPromise(f"no rest after {MOST_SYNCS} syncs")
        warehouse = in_a_process_of_its_own(lambda: read_warehouse(office))
        if faults := Checker(office, warehouse).faults():
            raise BrokenPromise("\n  ".join(faults))

    def _measure(self, office: Office) -> None:
        """How many points of each kind a sync with work passes, and how long it takes."""
        office.work(edits=6, creates=1.0, deletes=0.0)
        ended = run_sync(office.world, self._log)
        self._ended(ended, allowed=(0,))
        self._measures = (ended.points, ended.seconds)

    def _ended(self, ended: Ended, allowed: tuple[int, ...]) -> None:
        self.syncs += 1
        if ended.code not in allowed:
            what = "crashed" if ended.code == CRASHED else f"ended with {ended.code}"
            log = self._log.read_text(encoding="utf-8")[-3000:]
            raise BrokenPromise(f"a sync {what}; the end of its log:\n{log}")

    def _writes(self) -> int:
        return sum(
            str(one["actor"]).startswith("api:")
            for crm in control.CRMS
            for one in control.write_log(self.state_dir, crm)
        )


class _Meanwhile:
    """People who edit while a sync runs, a few times."""

    def __init__(self, office: Office, random: Random) -> None:
        self._office = office
        self._random = random
        self._left = random.randint(1, 4)

    def __call__(self) -> None:
        if self._left and self._random.random() < 0.02:
            self._left -= 1
            self._office.work(edits=1, creates=0.2, deletes=0.0)


def _rules(random: Random, crm: str) -> Iterator[dict[str, Any]]:
    """One to three rules, of kinds that the CRM knows."""
    kinds: list[dict[str, Any]] = [
        {"kind": "status", "status": 503}, {"kind": "status", "status": 500, "after_effect": True},
        {"kind": "status", "status": 502, "after_effect": True}, {"kind": "reset_before"}, {"kind": "reset_after"},
        {"kind": "slow", "delay_ms": 300}, {"kind": "slow_body", "delay_ms": 300}, {"kind": "truncated"},
        {"kind": "malformed"}, {"kind": "expired_token"}, {"kind": "rate_limit"},
    ]  # fmt: skip
    if crm == "hubspot":
        kinds += [
            {"kind": "status", "status": 423}, {"kind": "status", "status": 477, "retry_after": 1},
            {"kind": "rate_limit", "policy": "SECONDLY"}, {"kind": "rate_limit", "policy": "DAILY"},
            {"kind": "index_lag", "delay_ms": 400},
        ]  # fmt: skip
    else:
        kinds += [{"kind": "row_lock", "share": 0.5}, {"kind": "rate_limit", "policy": "CONCURRENT"}]
    writes = ["*/batch/*", "*/associations/*"] if crm == "hubspot" else ["*/composite/sobjects*"]
    for number in range(random.randint(1, 3)):
        rule: dict[str, Any] = {"name": f"r{number}", **random.choice(kinds)}
        if random.random() < 0.6:
            rule["path"] = writes
        rule["probability"] = random.choice([0.1, 0.3, 0.6, 1.0])
        if rule["probability"] == 1.0:
            rule["times"] = random.randint(1, 3)
        yield rule


def run(
    soak: Soak,
    seed: int,
    wanted_kills: int,
    wanted_faults: int,
    deadline: float,
    rounds: int = 0,
    goes_on: bool = False,
) -> bool:
    """Rounds until enough, or the time is up. False at the first broken promise."""
    killed = faulty = done = 0
    began = seed
    office: Office | None = None
    while time.monotonic() < deadline and (not rounds or done < rounds):
        is_kill = killed < wanted_kills and (faulty >= wanted_faults or killed * max(wanted_faults, 1)
                                             <= faulty * max(wanted_kills, 1))  # fmt: skip
        if not is_kill and faulty >= wanted_faults:
            break
        if office is None or seed - began >= ROUNDS_PER_WORLD:
            began = seed
            office = soak.new_office(Random(f"office {seed}"))
        kind = "kills" if is_kill else "faults"
        try:
            if is_kill:
                killed += soak.killing(office, seed)
            else:
                soak.misbehaving(office, seed)
                faulty += 1
        except BrokenPromise as broken:
            soak.tell(f"seed {seed} ({kind}): BROKEN\n  {broken}")
            soak.tell(f"Repeat it with the options of this run and --seed {began}: its world began there.")
            if not goes_on:
                return False
            soak.broken += 1
            office = None
        else:
            soak.tell(f"seed {seed} ({kind}): kept; {killed} kills, {faulty} fault plans, {soak.syncs} syncs so far")
        seed += 1
        done += 1
    if soak.broken:
        soak.tell(f"{soak.broken} promises broken.")
        return False
    by_kind = {"kills": dict(sorted(soak.killed.items())), "faults": dict(sorted(soak.injected.items()))}
    soak.tell(f"All promises kept in {soak.syncs} syncs: {killed} kills {by_kind['kills']},")
    soak.tell(f"{faulty} fault plans with {sum(soak.injected.values())} faults {by_kind['faults']}.")
    return True


def main() -> int:
    """The command line of the soak."""
    os.environ["PYTHONWARNINGS"] = "ignore"  # killed processes leave semaphores to the resource tracker, which says so
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first round; printed")
    parser.add_argument("--kills", type=int, default=200, help="how many syncs to kill")
    parser.add_argument("--faults", type=int, default=40, help="how many fault plans to try")
    parser.add_argument("--minutes", type=float, help="as long as this instead, whatever --kills and --faults say")
    parser.add_argument("--rounds", type=int, default=0, help="at most so many rounds")
    parser.add_argument("--quick", action="store_true", help="shorter rounds")
    parser.add_argument("--go-on", action="store_true", help="with a new world after a broken promise")
    arguments = parser.parse_args()
    deadline = time.monotonic() + 60 * (arguments.minutes or 100_000)
    wanted = (arguments.kills, arguments.faults) if arguments.minutes is None else (10**9, 10**9)
    print(f"seed {arguments.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="crm-sync-soak-"))
    soak = Soak(folder, tell=lambda line: print(line, flush=True), is_quick=arguments.quick)
    soak.start()
    kept = False
    try:
        kept = run(soak, arguments.seed, *wanted, deadline, arguments.rounds, arguments.go_on)
    finally:
        soak.stop()
        if kept:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"CRMs, warehouse and log of the syncs are kept in {folder}", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
