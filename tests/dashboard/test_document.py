"""What the page is told: totals, cut lists, coverage, and the words of the banner. No browser needed."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from health_examples import degraded, healthy
from health_file import HOSTILE, NOW, HealthFile

from crm_sync.dashboard.document import MOST_BUCKETS, bucket_width, read_document
from crm_sync.dashboard.page import embedded_json, render_page
from crm_sync.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sandbox_health.duckdb"


def test_errors_are_counted_whole_and_listed_up_to_the_cap(path: Path) -> None:
    file = HealthFile()
    file.run(NOW)
    for number in range(30):
        file.error(number, last_seen_at=NOW - timedelta(minutes=number))
    file.error(99, status="closed")
    document = read_document(file.save(path, "degraded"), "sandbox", NOW, cap=10)
    assert document["errors"]["total"] == 30
    assert document["errors"]["closed"] == 1
    assert [group["records"] for group in document["errors"]["groups"]] == [30]
    newest = [row["hubspot_id"] for row in document["errors"]["rows"]]
    assert newest == [f"301{number:08d}" for number in range(10)]


def test_an_issue_is_filed_under_the_direction_that_it_holds_up(path: Path) -> None:
    file = HealthFile()
    file.run(NOW)
    file.issue(1, hubspot_id="1")
    file.issue(2, hubspot_id=None, salesforce_id="003A")
    file.issue(3, hubspot_id="3", salesforce_id="003C", issue_type="value_too_long", field="Title")
    file.decision(
        "contact", "3", "003C", "jobtitle", "Title", "long", "short", target="salesforce", held_reason="value_too_long"
    )
    file.issue(4, hubspot_id=None, issue_type="suspended_mapping", field="Phone")
    document = read_document(file.save(path), "sandbox", NOW)
    directions = {row["issue_type"]: row["direction"] for row in document["issues"]["rows"] if row["hubspot_id"] != "1"}
    assert directions == {
        "missing_match_key": "salesforce_to_hubspot",
        "value_too_long": "hubspot_to_salesforce",
        "suspended_mapping": None,
    }
    assert document["issues"]["total"] == 4


def test_records_have_addresses_where_a_run_has_noted_them(path: Path) -> None:
    file = HealthFile()
    file.run(NOW, target_name="prod")
    file.addresses("https://app.hubspot.com/contacts/1/record/", None, at=NOW - timedelta(days=2))
    file.addresses("https://app-eu1.hubspot.com/contacts/48/record/", "https://acme.my.salesforce.com/")
    file.addresses(None, None, at=NOW + timedelta(days=1))
    custom = {"hubspot_object": "2-3400101", "salesforce_object": "Seat__c", "priority": 1, "push_order": 30}
    file.add("staging.stg_object_mappings", object="seat", **custom)
    file.add("staging.stg_object_mappings", object="license", **custom | {"hubspot_object": "p_license"})
    addresses = read_document(file.save(path), "prod", NOW)["addresses"]
    record = "https://app-eu1.hubspot.com/contacts/48/record"
    assert addresses["hubspot"] == {
        "company": f"{record}/0-2/", "contact": f"{record}/0-1/", "deal": f"{record}/0-3/", "lead": f"{record}/0-1/",
        "seat": f"{record}/2-3400101/",
    }  # fmt: skip
    assert set(addresses["salesforce"].values()) == {"https://acme.my.salesforce.com/"}
    # there is nothing to look at in the sandbox
    file.rows["sync_health.sync_runs"][0]["target_name"] = "sandbox"
    assert read_document(file.save(path), "sandbox", NOW)["addresses"] == {"hubspot": {}, "salesforce": {}}


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)//", "http://acme.my.salesforce.com/", "https://evil.io/contacts/1/record/", "'"],
)
def test_an_address_that_is_none_of_the_crms_leads_nowhere(path: Path, address: str) -> None:
    file = HealthFile()
    file.run(NOW, target_name="prod")
    file.addresses(address, "https://a.b/?" + address)
    assert read_document(file.save(path), "prod", NOW)["addresses"] == {"hubspot": {}, "salesforce": {}}


def test_records_are_named_by_what_was_decided_or_sent(path: Path) -> None:
    file = HealthFile()
    file.run(NOW)
    file.named("contact", "7", "003A", "Ada", "Brandt")
    file.error(1, hubspot_id="7", salesforce_id="003A", link_id="contact/7")
    file.error(2, hubspot_id=None, salesforce_id=None, payload='{"FirstName": "Bo", "LastName": "Chen"}')
    file.error(3, hubspot_id="9", salesforce_id=None)
    rows = read_document(file.save(path, "degraded"), "sandbox", NOW)["errors"]["rows"]
    assert {row["hubspot_id"]: row["name"] for row in rows} == {"7": "Ada Brandt", None: "Bo Chen", "9": None}


def test_coverage_counts_each_record_once(path: Path) -> None:
    file = HealthFile()
    file.run(NOW)
    file.pair("contact", "1", "003A")
    file.pair("lead", "2", "00QB")
    file.pair("contact", "3", "003C", status="salesforce_deleted")
    # one HubSpot contact falls under both mappings
    for record_id in ("1", "2", "3", "4", "5"):
        for object_ in ("contact", "lead"):
            if record_id in "45" or (object_, record_id) in (("lead", "1"), ("contact", "2"), ("lead", "3")):
                file.living(object_, "hubspot", record_id, is_included=record_id != "5")
    file.living("contact", "salesforce", "003D", is_included=False)
    file.unmatched("contact", "salesforce", "003E", "ambiguous_match")
    file.unmatched("contact", "salesforce", "003F", "duplicate_person")
    file.unmatched("lead", "salesforce", "00QG", "missing_match_key")
    coverage = {row["object"]: row for row in read_document(file.save(path), "sandbox", NOW)["coverage"]}
    numbers = ("pairs", "only_hubspot", "only_salesforce", "ambiguous", "without_key")
    assert {name: tuple(row[number] for number in numbers) for name, row in coverage.items()} == {
        "contact": (1, 3, 2, 2, 0),
        "lead": (1, 0, 0, 0, 1),
        "company": (0, 0, 0, 0, 0),
        "deal": (0, 0, 0, 0, 0),
    }
    assert coverage["contact"]["out_of_scope_hubspot"] == 1
    assert coverage["contact"]["out_of_scope_salesforce"] == 1
    assert coverage["contact"]["counterpart_deleted"] == 2  # either side of the pair whose one record is gone


def test_a_conflict_waits_for_as_long_as_its_decision_does(path: Path) -> None:
    file = HealthFile()
    file.run(NOW)
    file.conflict(1, is_held=True)
    file.conflict(2)
    file.conflict(3, is_held=True)
    # the third was since resolved: the pair agrees on another value
    decision = next(row for row in file.rows["merging.field_decisions"] if row["hubspot_id"] == "30300000003")
    decision.update(change_state="agreed", held_reason=None, hubspot_value="VP Marketing")
    conflicts = read_document(file.save(path), "sandbox", NOW)["conflicts"]
    assert (conflicts["total"], conflicts["held"]) == (3, 1)
    assert [row["hubspot_id"] for row in conflicts["rows"] if row["is_held"]] == ["30300000001"]


def test_drift_is_that_of_the_newest_comparison(path: Path) -> None:
    file = HealthFile()
    file.run(NOW)
    for days, kind, records in ((8, "changed", 5), (1, "changed", 0), (1, "deleted", 3)):
        at = NOW - timedelta(days=days)
        file.add(
            "sync_health.drift",
            crm="hubspot",
            crm_object="contacts",
            kind=kind,
            records=records,
            compared=9,
            reconciled_at=at,
        )
    (row,) = read_document(file.save(path), "sandbox", NOW)["drift"]
    assert (row["changed"], row["deleted"], row["added"], row["compared"]) == (0, 3, 0, 9)


@pytest.mark.parametrize("days", [0.001, 0.5, 3, 29.9])
def test_time_is_cut_into_few_enough_pieces(days: float) -> None:
    assert days * 86_400 / bucket_width(days * 86_400) < MOST_BUCKETS


def test_writes_add_up_to_the_journal(path: Path) -> None:
    file = healthy()
    document = read_document(file.save(path), "sandbox", NOW)
    rows = document["writes"]["rows"]
    attempts = file.rows["journal.push_attempts"]
    assert sum(row["created"] + row["updated"] + row["rejected"] for row in rows) == len(attempts)
    assert all((row["bucket"] - document["writes"]["first"]) % document["writes"]["width"] == 0 for row in rows)
    assert all(document["writes"]["first"] <= row["bucket"] <= document["writes"]["last"] for row in rows)


# ---------------------------------------------------------------- the banner


def banner_of(path: Path, file: HealthFile, status: str, **of_status: object) -> dict[str, str]:
    return read_document(file.save(path, status, **of_status), "prod", NOW)["banner"]


def test_the_worst_error_comes_first_in_the_remedy(path: Path) -> None:
    banner = banner_of(path, degraded(), "degraded")
    assert banner["headline"] == "14 records are refused"
    assert banner["remedy"].startswith("Begin with FIELD_CUSTOM_VALIDATION_EXCEPTION (9 records): Correct the record")
    assert banner["command"] == "crm-sync --target sandbox errors"


def test_a_stop_by_a_limit_says_that_nothing_was_pushed(path: Path) -> None:
    file = HealthFile()
    file.run(
        NOW,
        status="stopped",
        exit_code=3,
        message="salesforce.contact.create: 1,200 records, limit 1,000",
        target_name="prod",
    )
    banner = banner_of(path, file, "failed")
    assert banner["headline"] == "Stopped before anything was pushed"
    assert "1,200 records" in banner["sentence"]
    assert banner["command"] == "crm-sync --target prod plan"


@pytest.mark.parametrize(("exit_code", "command"), [(1, "sync"), (2, "check")])
def test_a_failed_run_names_its_remedy(path: Path, exit_code: int, command: str) -> None:
    file = HealthFile()
    file.run(NOW, status="failed", exit_code=exit_code, message="HubSpot did not answer.")
    banner = banner_of(path, file, "failed")
    assert banner["sentence"] == "HubSpot did not answer."
    assert banner["command"] == f"crm-sync --target sandbox {command}"


def test_a_pause_tells_since_when_and_how_to_resume(path: Path) -> None:
    file = HealthFile()
    file.run(NOW)
    banner = banner_of(path, file, "paused", paused_since=NOW)
    assert "2026-03-14 09:30 UTC" in banner["sentence"]
    assert banner["command"].endswith("resume")


def test_suspended_mappings_and_postponed_writes_are_degraded_too(path: Path) -> None:
    file = HealthFile()
    file.run(NOW)
    file.issue(1, issue_type="suspended_mapping", fix="Correct or remove the row", hubspot_id=None)
    assert banner_of(path, file, "degraded", suspended_mappings=1)["headline"] == "1 field mapping is suspended"
    assert "left for the next run" in banner_of(path, file, "degraded", suspended_mappings=0)["headline"]


def test_a_healthy_sync_points_at_what_waits_for_a_person_first(path: Path) -> None:
    file = HealthFile()
    file.run(NOW)
    assert banner_of(path, file, "active")["remedy"] is None
    file.issue(1)
    assert "missing match key, 1 record" in banner_of(path, file, "active")["remedy"]
    file.conflict(1, is_held=True)
    assert banner_of(path, file, "active")["command"] == "crm-sync --target sandbox review"


def test_silence_of_days_is_remarked_upon(path: Path) -> None:
    file = HealthFile()
    file.run(NOW - timedelta(days=3))
    assert banner_of(path, file, "active")["note"] == "No sync has succeeded for 2 days: is its schedule still on?"
    file.run(NOW - timedelta(hours=2))
    assert banner_of(path, file, "active")["note"] is None


# ---------------------------------------------------------------- files that are not as they should be


def test_without_a_file_or_without_tables_the_page_says_how_to_begin(path: Path) -> None:
    assert read_document(path, "prod", NOW)["banner"]["command"] == "make plan TARGET=prod"
    assert read_document(HealthFile().save(path, None), "prod", NOW)["banner"]["state"] == "never"


def test_a_file_that_is_no_database_is_one_message(path: Path) -> None:
    path.write_text("not a database, and long enough to be taken for one" * 200)
    with pytest.raises(ConfigError, match=r"sandbox_health\.duckdb cannot be read"):
        read_document(path, "sandbox", NOW)


# ---------------------------------------------------------------- the file that is written


def test_hostile_texts_cannot_leave_their_script_element(path: Path) -> None:
    file = HealthFile()
    file.run(NOW, message=HOSTILE)
    file.error(1, message=HOSTILE, payload=json.dumps({"Name": HOSTILE}), cause=HOSTILE, fix=HOSTILE)
    html = render_page(read_document(file.save(path, "degraded"), "sandbox", NOW))
    data = html.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    assert json.loads(data)["errors"]["rows"][0]["name"] == HOSTILE
    assert not set(data) & set("<>&\u2028\u2029")
    # what the template itself prints is escaped
    assert "<img" not in html
    assert html.count("<script") == 2


def test_whatever_json_holds_comes_back_the_same() -> None:
    texts = [HOSTILE, "\u2029", "<!--", "&amp;", "\\u003c", "é 漢 🦀", "\x00"]
    assert json.loads(embedded_json({"texts": texts})) == {"texts": texts}


def test_the_page_names_nothing_outside_itself(pages: dict[str, Path]) -> None:
    for path in pages.values():
        html = path.read_text(encoding="utf-8")
        # the name spaces of SVG are names, not addresses
        addresses = set(re.findall(r"(?:https?:)?//[\w.]+", html.replace("http://www.w3.org/2000/svg", "")))
        assert addresses == set()
        assert "connect-src 'none'" in unescape(html)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", html)


def test_the_page_stays_small(pages: dict[str, Path]) -> None:
    assert pages["never"].stat().st_size < 80_000
    assert pages["degraded"].stat().st_size < 130_000
