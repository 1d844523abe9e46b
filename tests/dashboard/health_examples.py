"""Health files as pages are looked at: a sync in good order, and one with records refused. The data are made up."""

from __future__ import annotations

from datetime import timedelta

from health_file import NOW, HealthFile


def healthy(days: int = 14) -> HealthFile:
    """Two weeks of a sync in good order, with a few things to tidy up and a few conflicts decided."""
    file = HealthFile()
    at = NOW - timedelta(days=days)
    hour = 0
    while at < NOW:
        created, updated = (126, 67) if hour == 0 else (hour * 7 % 5, 4 + hour * 13 % 23)
        file.run(at, created=created, updated=updated)
        file.writes(at, "salesforce", "contact", "create", created)
        file.writes(at, "salesforce", "deal", "update", updated // 2)
        file.writes(at, "hubspot", "contact", "update", updated)
        file.writes(at, "hubspot", "company", "create", created // 2)
        at, hour = at + timedelta(hours=6), hour + 1
    for day in range(days):
        for direction, seconds in (("hubspot_to_salesforce", 340), ("salesforce_to_hubspot", 290)):
            file.add(
                "sync_health.sync_lag",
                direction=direction,
                day=(NOW - timedelta(days=days - 1 - day)).date(),
                records=40 + day,
                p50_seconds=seconds + day * 11 % 60,
                p95_seconds=seconds * 2.3 + day * 37 % 240,
            )
    for direction, object_, operation, records in (
        ("hubspot_to_salesforce", "contact", "create", 126),
        ("hubspot_to_salesforce", "deal", "update", 312),
        ("salesforce_to_hubspot", "contact", "update", 671),
        ("salesforce_to_hubspot", "company", "create", 83),
    ):
        file.add(
            "sync_health.records_synced",
            object=object_,
            direction=direction,
            operation=operation,
            records=records,
            records_in_newest_run=3,
            last_seen_at=NOW - timedelta(hours=6),
        )
    for object_, pairs, only_hubspot, only_salesforce in (
        ("company", 157, 5, 2),
        ("contact", 573, 31, 11),
        ("deal", 293, 6, 1),
    ):
        for number in range(pairs):
            file.pair(object_, f"{object_}h{number}", f"{object_}s{number}")
        for number in range(only_hubspot):
            file.living(object_, "hubspot", f"{object_}x{number}", is_included=number % 3 == 0)
        for number in range(only_salesforce):
            file.living(object_, "salesforce", f"{object_}y{number}")
    for crm, object_ in (("hubspot", "contacts"), ("hubspot", "companies"), ("salesforce", "Contact")):
        for days_ago, records in ((9, 2), (2, 0)):
            for kind in ("new", "changed", "deleted", "restored"):
                file.add(
                    "sync_health.drift",
                    crm=crm,
                    crm_object=object_,
                    kind=kind,
                    records=records,
                    compared=624,
                    reconciled_at=NOW - timedelta(days=days_ago),
                )
    for number in range(9):
        file.unmatched("contact", "salesforce", f"contactn{number}", "missing_match_key")
        file.issue(number, salesforce_id=f"003dM{number:09d}QC", hubspot_id=None, field="Email")
    for number in range(4):
        file.unmatched("company", "hubspot", f"companya{number}", "ambiguous_match")
        file.issue(
            number,
            issue_type="ambiguous_match",
            object="company",
            field="domain",
            hubspot_id=f"205{number:08d}",
            detail="initech-systems.com domain is shared with hubspot 20500000004, salesforce 001dM0000000004QAA",
            cause="Several records share the value by which records are matched",
            fix="Merge the records or correct the value on all but one of them",
        )
    people = ("Anders Navarro", "Nadia Bjork", "Thandi Almeida", "Ivana Novak", "Ravi Papadakis", "Hassan Saito")
    for number, person in enumerate(people):
        file.named("contact", f"303{number:08d}", f"003dM{number:09d}QB", *person.split())
        file.conflict(
            number,
            hubspot_property="phone",
            salesforce_field="Phone",
            hubspot_value=f"+49 40 099863{number}",
            salesforce_value=f"+49 89 493960{number}",
            base_hubspot_value=f"(646) 555-165{number}",
            base_salesforce_value=f"(646) 555-165{number}",
        )
    return file


def degraded() -> HealthFile:
    """The same, with records refused for three reasons in both directions, and conflicts that wait for a person."""
    file = healthy()
    file.run(NOW - timedelta(minutes=20), status="degraded", created=2, updated=11, rejected=14)
    file.writes(NOW - timedelta(minutes=20), "salesforce", "contact", "update", 14, outcome="rejected")
    people = (
        "Xavier Becker",
        "Kofi Lehmann",
        "Mina Ortega",
        "Isaac Lund",
        "Sofia Rossi",
        "Jonas Weber",
        "Amara Okafor",
        "Lena Fischer",
        "Yuki Tanaka",
    )
    for number, person in enumerate(people):
        file.named("contact", f"301{number:08d}", f"003dM{number:09d}QA", *person.split())
        file.error(number)
    for number in range(20, 24):
        file.error(
            number,
            object="company",
            hubspot_id=None,
            operation="create",
            error_code="DUPLICATES_DETECTED",
            target="salesforce",
            error_class="duplicate",
            message="You're creating a duplicate record. Use one of these records?",
            cause="A Salesforce duplicate rule found an existing record",
            retry_policy="on_change",
            next_retry_at=None,
            attempts=1,
            fix="Merge the records or relax the duplicate rule for the integration user",
            payload='{"Name": "Initech Systems"}',
        )
    file.error(
        30,
        object="deal",
        target="hubspot",
        error_code="INVALID_OPTION",
        error_class="picklist",
        message="Enterprise Plus was not one of the allowed options: [new, existing, renewal]",
        retry_policy="on_change",
        cause="The value is not an option of the HubSpot property",
        next_retry_at=None,
        fix="Add the option in HubSpot or map the value in value_mappings.csv or stage_mappings.csv",
    )
    file.error(40, status="closed")
    for number, person in enumerate(("Priya Nair", "Carlos Mendez", "Elin Berg"), start=60):
        file.named("contact", f"303{number:08d}", f"003dM{number:09d}QB", *person.split())
        file.conflict(number, is_held=True)
    return file
