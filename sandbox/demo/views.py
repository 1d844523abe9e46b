"""How two teams typed one world into two CRMs: other formats, other words, gaps, another day.

Owns: turning things of world.py and cases.py into records that the stand-ins load.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sandbox.demo import words
from sandbox.demo.cases import Case
from sandbox.demo.ids import salesforce_id
from sandbox.demo.people import owner_id, user_id
from sandbox.demo.world import Company, Deal, Person, moment

Record = dict[str, Any]

HUBSPOT_COMPANY, HUBSPOT_CONTACT, HUBSPOT_DEAL = 20_500_000_000, 30_100_000_000, 40_700_000_000
SALESFORCE_STAGES = {
    "appointmentscheduled": "Discovery",
    "qualifiedtobuy": "Qualification",
    "presentationscheduled": "Proposal/Price Quote",
    "decisionmakerboughtin": "Negotiation/Review",
    "contractsent": "Negotiation/Review",
    "closedwon": "Closed Won",
    "closedlost": "Closed Lost",
}
"""The guide's stage table."""
DEAL_CONTACTS = 2


class Typist:
    """One team's way of typing. Each side has a random source of its own, so that a change on one side leaves
    the other side's records as they are."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)

    def maybe(self, chance: float) -> bool:
        return self.rng.random() < chance

    def sometimes_blank(self, value: Any, chance: float = 0.1) -> Any:
        return None if self.maybe(chance) else value

    def phone(self, digits: str) -> str | None:
        """The same number in one of several formats."""
        if not digits:
            return None
        area, office, line = digits[:3], digits[3:6], digits[6:]
        return self.rng.choice(
            (
                f"({area}) {office}-{line}",
                f"{area}-{office}-{line}",
                f"+1 {area} {office} {line}",
                f"+1{digits}",
                f"{area}.{office}.{line} x{self.rng.randrange(10, 99)}",
            )
        )

    def times(self) -> tuple[datetime, datetime]:
        """(created, last modified)."""
        created = moment(self.rng)
        return created, moment(self.rng, created)


# HubSpot --------------------------------------------------------------------------------------------------


def _hubspot_record(typist: Typist, record_id: int, properties: Record, associations: list[Record]) -> Record:
    created, modified = typist.times()
    extra = typist.rng.randrange(1000)
    return {
        "id": str(record_id),
        "properties": {name: value for name, value in properties.items() if value is not None},
        "createdAt": created.strftime("%Y-%m-%dT%H:%M:%S.") + f"{extra:03d}Z",
        "updatedAt": modified.strftime("%Y-%m-%dT%H:%M:%S.") + f"{extra:03d}Z",
        "associations": associations,
    }


def _to_company(number: int) -> Record:
    return {"object": "companies", "id": str(HUBSPOT_COMPANY + number), "primary": True}


def hubspot_company(typist: Typist, company: Company) -> Record:
    city, state, _, postal, country, _ = company.place
    name = company.name
    if typist.maybe(0.15):
        name += f" {typist.rng.choice(words.LEGAL_FORMS)}"
    properties = {
        "name": name,
        "domain": company.domain or None,
        "website": f"https://{company.domain}" if company.domain and typist.maybe(0.5) else None,
        "industry": typist.sometimes_blank(company.industry[0]),
        "annualrevenue": typist.sometimes_blank(str(company.revenue)),
        "numberofemployees": typist.sometimes_blank(str(company.employees)),
        "phone": typist.phone(company.phone),
        "address": typist.sometimes_blank(company.street),
        "city": city,
        "state": state or None,
        "zip": typist.sometimes_blank(postal),
        "country": country,
        "hubspot_owner_id": None if typist.maybe(0.1) else owner_id(company.rep),
        "lifecyclestage": typist.rng.choice(("lead", "opportunity", "customer")),
        "type": typist.sometimes_blank(typist.rng.choice(("PROSPECT", "PARTNER", "VENDOR")), 0.5),
    }
    return _hubspot_record(typist, HUBSPOT_COMPANY + company.number, properties, [])


def hubspot_contact(typist: Typist, person: Person) -> Record:
    company = person.company
    place = company.place if company else None
    properties: Record = {
        "firstname": person.first,
        "lastname": person.last,
        "email": person.email or None,
        "jobtitle": typist.sometimes_blank(person.titles[0]),
        "phone": typist.phone(person.phone),
        "mobilephone": typist.phone(person.mobile),
        "company": company.name if company else None,
        "lifecyclestage": person.lifecycle,
        "hs_analytics_source": typist.rng.choice(words.HUBSPOT_SOURCES),
        "hs_lead_status": typist.sometimes_blank(typist.rng.choice(("NEW", "OPEN", "CONNECTED")), 0.5),
        "hubspot_owner_id": None if typist.maybe(0.2) else owner_id(person.rep),
    }
    if place is not None and typist.maybe(0.6):
        properties |= {
            "address": company.street if company else None,
            "city": place[0],
            "state": place[1] or None,
            "zip": place[3],
            "country": place[4],
        }
    has_company = company is not None and company.presence.hubspot and typist.maybe(0.92)
    associations = [_to_company(company.number)] if company is not None and has_company else []
    return _hubspot_record(typist, HUBSPOT_CONTACT + person.number, properties, associations)


def hubspot_deal(typist: Typist, deal: Deal, colleagues: Sequence[Person]) -> Record:
    properties = {
        "dealname": deal.name,
        "amount": typist.sometimes_blank(f"{deal.cents / 100:.2f}".removesuffix(".00"), 0.05),
        "closedate": deal.close.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "pipeline": "default",
        "dealstage": deal.stage,
        "dealtype": typist.sometimes_blank(typist.rng.choice(("newbusiness", "existingbusiness")), 0.3),
        "hubspot_owner_id": None if typist.maybe(0.1) else owner_id(deal.rep),
    }
    associations = [_to_company(deal.company.number)] if typist.maybe(0.9) else []
    associations += [
        {"object": "contacts", "id": str(HUBSPOT_CONTACT + person.number)} for person in colleagues[:DEAL_CONTACTS]
    ]
    return _hubspot_record(typist, HUBSPOT_DEAL + deal.number, properties, associations)


def hubspot_case(typist: Typist, case: Case, base: int) -> Record:
    """A hand-written record; `base` tells the object."""
    properties: Record = dict(case.hubspot or {})
    if case.rep[0] is not None:
        properties["hubspot_owner_id"] = owner_id(case.rep[0])
    if base == HUBSPOT_DEAL:
        properties.setdefault("pipeline", "default")
    if base == HUBSPOT_CONTACT:
        properties.setdefault("hs_analytics_source", "OFFLINE")
    if base == HUBSPOT_COMPANY:
        properties.setdefault("lifecyclestage", "opportunity")
    associations = [_to_company(case.company)] if case.company is not None else []
    return _hubspot_record(typist, base + case.number, properties, associations)


# Salesforce -----------------------------------------------------------------------------------------------


def _salesforce_record(typist: Typist, prefix: str, number: int, rep: str, fields: Record) -> Record:
    created, modified = (item.strftime("%Y-%m-%dT%H:%M:%S.000+0000") for item in typist.times())
    user = user_id(rep)
    return {
        "Id": salesforce_id(prefix, number),
        **fields,
        "OwnerId": user,
        "CreatedDate": created,
        "CreatedById": user,
        "LastModifiedDate": modified,
        "LastModifiedById": user,
    }


def salesforce_account(typist: Typist, company: Company) -> Record:
    city, state, short_state, postal, country, short_country = company.place
    name = company.name
    if typist.maybe(0.3):
        name += f" {typist.rng.choice(words.LEGAL_FORMS)}"
    is_short = typist.maybe(0.4)
    website = typist.rng.choice(("{0}", "www.{0}", "https://www.{0}/", "http://{0}", "https://{0}/about"))
    has_website = bool(company.domain) and typist.maybe(0.95)
    fields = {
        "Name": name,
        "Website": website.format(company.domain) if has_website else None,
        "Industry": typist.sometimes_blank(company.industry[1], 0.15),
        "AnnualRevenue": typist.sometimes_blank(company.revenue, 0.2),
        "NumberOfEmployees": typist.sometimes_blank(company.employees + (25 if typist.maybe(0.2) else 0)),
        "Phone": typist.phone(company.phone),
        "BillingStreet": company.street.replace(" Street", " St.") if typist.maybe(0.3) else company.street,
        "BillingCity": city,
        "BillingState": (short_state if is_short else state) or None,
        "BillingPostalCode": postal,
        "BillingCountry": short_country if is_short else country,
        "Description": None,
    }
    return _salesforce_record(typist, "001", company.number, company.rep, fields)


def salesforce_contact(typist: Typist, person: Person) -> Record:
    company = person.company
    place = company.place if company else None
    email = person.email or None
    if email and typist.maybe(0.1):
        mailbox, _, domain = email.partition("@")
        email = f"{mailbox.title()}@{domain}" if typist.maybe(0.5) else email.upper()
    has_account = company is not None and company.presence.salesforce and typist.maybe(0.92)
    fields: Record = {
        "FirstName": person.first,
        "LastName": person.last.upper() if typist.maybe(0.03) else person.last,
        "Email": email,
        "Title": typist.sometimes_blank(typist.rng.choice(person.titles)),
        "Phone": typist.phone(person.phone),
        "MobilePhone": typist.phone(person.mobile),
        "LeadSource": typist.sometimes_blank(typist.rng.choice(words.SALESFORCE_SOURCES), 0.3),
        "AccountId": salesforce_id("001", company.number) if company is not None and has_account else None,
        "Description": None,
    }
    if place is not None and company is not None and typist.maybe(0.6):
        is_short = typist.maybe(0.4)
        fields |= {
            "MailingStreet": company.street,
            "MailingCity": place[0],
            "MailingState": (place[2] if is_short else place[1]) or None,
            "MailingPostalCode": place[3],
            "MailingCountry": place[5] if is_short else place[4],
        }
    rep = typist.rng.choice((person.rep, person.rep, "maya.okafor"))
    return _salesforce_record(typist, "003", person.number, rep, fields)


def salesforce_opportunity(typist: Typist, deal: Deal) -> Record:
    fields = {
        "Name": deal.name,
        "StageName": SALESFORCE_STAGES[deal.stage],
        "Amount": typist.sometimes_blank(deal.cents / 100, 0.05),
        "CloseDate": deal.close.strftime("%Y-%m-%d"),
        "AccountId": salesforce_id("001", deal.company.number) if typist.maybe(0.92) else None,
        "Type": typist.sometimes_blank(typist.rng.choice(("New Business", "Existing Business")), 0.3),
        "Description": None,
    }
    return _salesforce_record(typist, "006", deal.number, deal.rep, fields)


def salesforce_case(typist: Typist, case: Case, prefix: str, accounts: set[int]) -> Record:
    """A hand-written record; `prefix` tells the object, `accounts` which companies Salesforce has."""
    fields: Record = {}
    if prefix != "001":
        fields["AccountId"] = salesforce_id("001", case.company) if case.company in accounts else None
    return _salesforce_record(typist, prefix, case.number, case.rep[1], fields | (case.salesforce or {}))
