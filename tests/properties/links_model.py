"""What becomes of links, as a person would tell it: a short model that shares nothing with the SQL.

A merge moves a link to the survivor. Where two links meet in one record, one whose records both live stays, then the
one that was there before; the other is over for good. A delete suspends a link, a restore resumes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

SIDES = ("hubspot", "salesforce")
End = tuple[str, int]


@dataclass
class Link:
    """Two records, by side and number, that are one thing; `link_id` as the sync names it."""

    ends: dict[str, int]
    link_id: str
    is_over: bool = False


@dataclass
class Records:
    """Which records are gone, and into which one they were merged."""

    deleted: set[End] = field(default_factory=set)
    merged: dict[End, int] = field(default_factory=dict)

    def is_alive(self, side: str, number: int) -> bool:
        return (side, number) not in self.deleted and (side, number) not in self.merged


def link_id(hubspot_id: str, salesforce_id: str) -> str:
    return hashlib.md5(f"contact|{hubspot_id}|{salesforce_id}".encode()).hexdigest()


def living_links(links: Iterable[Link], records: Records) -> list[Link]:
    """One sync: links move and end. Those of which both records live are decided."""
    standing = [(link, _has_moved(link, records)) for link in links if not link.is_over]

    def rank(item: tuple[Link, bool]) -> tuple[bool, bool, str]:
        return not _lives(item[0], records), item[1], item[0].link_id

    over: list[Link] = []
    for side in SIDES:
        best: dict[int, tuple[Link, bool]] = {}
        ranked = sorted(standing, key=rank)
        over += [item[0] for item in ranked if best.setdefault(item[0].ends[side], item) is not item]
    for link in over:
        link.is_over = True
    return [link for link, _ in standing if not link.is_over and _lives(link, records)]


def _has_moved(link: Link, records: Records) -> bool:
    before = dict(link.ends)
    for side in SIDES:
        while (survivor := records.merged.get((side, link.ends[side]))) is not None:
            link.ends[side] = survivor
    return link.ends != before


def _lives(link: Link, records: Records) -> bool:
    is_alive: Callable[[str, int], bool] = records.is_alive
    return all(is_alive(side, link.ends[side]) for side in SIDES)
