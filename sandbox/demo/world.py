"""The generated part of the demo world: companies, people and deals as they really are, before two teams
typed them into two CRMs.

Owns: a deterministic world from a seed, of any size. Refuses: to know how a CRM stores things (views.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.demo import words

FIRST_NUMBER = 101
END = datetime(2026, 9, 30, tzinfo=UTC)
"""All demo records were made and last changed before this day."""
SPAN_SECONDS = 2 * 365 * 86_400
REPS = ("maya.okafor", "jonas.lindqvist", "priya.raman", "tomas.herrera", "aiko.tanabe")


@dataclass(frozen=True)
class Presence:
    """In which CRMs something is."""

    hubspot: bool
    salesforce: bool


@dataclass(frozen=True)
class Company:
    """A company; `domain` may be empty."""

    number: int
    name: str
    domain: str
    industry: tuple[str, str]
    employees: int
    revenue: int
    place: tuple[str, str, str, str, str, str]
    street: str
    phone: str
    rep: str
    presence: Presence


@dataclass(frozen=True)
class Person:
    """A person at a company; `email` may be empty."""

    number: int
    first: str
    last: str
    email: str
    titles: tuple[str, ...]
    phone: str
    mobile: str
    company: Company | None
    rep: str
    lifecycle: str
    presence: Presence


@dataclass(frozen=True)
class Deal:
    """A deal; it is in one CRM only, as deals have no natural key by which two could be matched."""

    number: int
    name: str
    cents: int
    close: datetime
    stage: str
    company: Company
    rep: str
    presence: Presence


def presences(shared: int, hubspot_only: int, salesforce_only: int) -> list[Presence]:
    """Who is where: first those in both CRMs."""
    return (
        [Presence(True, True)] * shared
        + [Presence(True, False)] * hubspot_only
        + [Presence(False, True)] * salesforce_only
    )


def moment(rng: random.Random, after: datetime | None = None) -> datetime:
    """A whole second in the two years before `END`, or between `after` and `END`."""
    start = after or END - timedelta(seconds=SPAN_SECONDS)
    return start + timedelta(seconds=rng.randrange(max(1, int((END - start).total_seconds()))))


def phone_number(rng: random.Random) -> str:
    """Ten digits of a fictitious North American number."""
    return f"{rng.choice((212, 312, 415, 512, 617, 646))}555{rng.randrange(100, 10_000):04d}"


def companies(rng: random.Random, where: Sequence[Presence]) -> Iterator[Company]:
    """Generated companies with distinct domains."""
    taken: set[str] = set()
    for offset, presence in enumerate(where):
        first, second = rng.choice(words.COMPANY_FIRST), rng.choice(words.COMPANY_SECOND)
        suffix = ""
        while f"{first}-{second}{suffix}".lower() in taken:
            first, second = rng.choice(words.COMPANY_FIRST), rng.choice(words.COMPANY_SECOND)
            suffix = "" if len(taken) < 2000 else f"-{offset}"
        taken.add(f"{first}-{second}{suffix}".lower())
        domain = f"{first}-{second}{suffix}".lower() + rng.choice(words.TOP_LEVELS)
        yield Company(
            number=FIRST_NUMBER + offset,
            name=f"{first} {second}",
            domain="" if rng.random() < 0.06 else domain,
            industry=rng.choice(words.INDUSTRIES),
            employees=rng.choice((4, 12, 35, 80, 150, 420, 1100, 5200)) + rng.randrange(4),
            revenue=rng.randrange(200, 90_000) * 1000,
            place=rng.choice(words.PLACES),
            street=f"{rng.randrange(1, 400)} {rng.choice(words.STREETS)}",
            phone=phone_number(rng),
            rep=rng.choice(REPS),
            presence=presence,
        )


_LIFECYCLES = (
    ("subscriber", 6), ("lead", 16), ("marketingqualifiedlead", 18), ("salesqualifiedlead", 16),
    ("opportunity", 16), ("customer", 22), ("evangelist", 3), ("other", 3),
)  # fmt: skip


def people(rng: random.Random, where: Sequence[Presence], employers: Sequence[Company]) -> Iterator[Person]:
    """Generated people with distinct e-mails; most work for a company that is where they are."""
    taken: set[str] = set()
    stages, weights = zip(*_LIFECYCLES, strict=True)
    fitting = {presence: _in_the_same_crms(employers, presence) for presence in set(where)}
    for offset, presence in enumerate(where):
        first, last = rng.choice(words.FIRST_NAMES), rng.choice(words.LAST_NAMES)
        company = None
        if rng.random() >= 0.1:
            company = rng.choice(fitting[presence] if rng.random() < 0.9 else employers)
        domain = company.domain if company is not None else ""
        domain = domain or f"{last.lower()}-family{rng.choice(words.TOP_LEVELS)}"
        mailbox = _ascii(f"{first}.{last}").lower()
        if f"{mailbox}@{domain}" in taken:
            mailbox += str(offset)
        taken.add(f"{mailbox}@{domain}")
        yield Person(
            number=FIRST_NUMBER + offset,
            first=first,
            last=last,
            email="" if rng.random() < 0.05 else f"{mailbox}@{domain}",
            titles=rng.choice(words.JOB_TITLES),
            phone=phone_number(rng) if rng.random() < 0.85 else "",
            mobile=phone_number(rng) if rng.random() < 0.4 else "",
            company=company,
            rep=rng.choice(REPS),
            lifecycle=rng.choices(stages, weights)[0],
            presence=presence,
        )


def deals(
    rng: random.Random, where: Sequence[Presence], customers: Sequence[Company], stages: Sequence[str]
) -> Iterator[Deal]:
    """Generated deals of companies that are in the same CRM; every stage comes up."""
    fitting = {presence: _in_the_same_crms(customers, presence) for presence in set(where)}
    for offset, presence in enumerate(where):
        company = rng.choice(fitting[presence])
        stage = stages[offset % len(stages)]
        closed = stage in ("closedwon", "closedlost")
        days = rng.randrange(-500, -10) if closed else rng.randrange(40, 300)
        yield Deal(
            number=FIRST_NUMBER + offset,
            name=f"{company.name} - {rng.choice(words.DEAL_KINDS)} {offset + 1}",
            cents=rng.randrange(500, 250_000) * 100 + rng.choice((0, 0, 0, 50, 99)),
            close=END + timedelta(days=days, hours=rng.randrange(8, 18)),
            stage=stage,
            company=company,
            rep=rng.choice(REPS),
            presence=presence,
        )


def _in_the_same_crms(companies: Sequence[Company], part: Presence) -> list[Company]:
    return [
        item
        for item in companies
        if (item.presence.hubspot or not part.hubspot) and (item.presence.salesforce or not part.salesforce)
    ]


def _ascii(text: str) -> str:
    return "".join({"ã": "a", "á": "a", "ö": "o", "ü": "u"}.get(char, char) for char in text).replace("'", "")
