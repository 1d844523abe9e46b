"""The page in a real browser: it draws, filters, pages, keeps hostile texts texts, and fits a phone.

Each test ends with the browser's own complaints: an error or warning in its console, a breach of the page's security
policy, or a request to anywhere fails it (see `open_page`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browser import Open, Page
from health_examples import degraded
from health_file import HOSTILE, NOW, HealthFile

SECTIONS = ["errors", "writes", "lag", "coverage", "api", "issues", "conflicts", "drift", "runs"]
CONTRASTS = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


def texts(page: Page, selector: str) -> list[str]:
    found: list[str] = page.js(f"[...document.querySelectorAll({selector!r})].map(one => one.innerText)")
    return found


def choose(page: Page, field: str, value: str) -> None:
    page.js(f"(() => {{ const one = document.getElementById('filter-{field}'); one.value = {value!r};"
            " one.dispatchEvent(new Event('change')); })()")  # fmt: skip


def search(page: Page, text: str) -> None:
    """Type over what is in the field, and wait until the page has followed."""
    page.js("document.getElementById('filter-text').select()")
    page.type(text)
    page.wait_for(f"new URLSearchParams(location.hash.slice(1)).get('text') === {text!r}")


def open_kinds(page: Page, section: str) -> None:
    page.js(f"document.querySelectorAll('#{section} .kind > details').forEach(one => one.open = true)")
    page.wait_for(f"document.querySelectorAll('#{section} .kind table').length > 0")


def records(page: Page, section: str) -> list[str]:
    return texts(page, f"#{section} .record-name")


# ---------------------------------------------------------------- it draws


def test_every_part_is_drawn(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["degraded"])
    assert page.js("[...document.querySelectorAll('main section.card')].map(one => one.id)") == SECTIONS
    assert texts(page, ".banner-headline") == ["14 records are refused"]
    assert page.js("document.title") == "14 records are refused · Sync health (sandbox)"
    assert texts(page, "#errors h3") == ["FIELD_CUSTOM_VALIDATION_EXCEPTION", "DUPLICATES_DETECTED", "INVALID_OPTION"]
    assert "exempt the integration user" in page.js("document.querySelector('#errors .fix').innerText")
    assert page.js("document.querySelectorAll('#writes .bar').length") > 40
    assert page.js("document.querySelectorAll('#lag .line').length") == 4
    assert texts(page, "#coverage .coverage-share")[1:2] == ["92 % of 624 records matched"]
    assert page.js("document.querySelector('#api [role=meter]').getAttribute('aria-valuetext')") == "6.6 %"
    assert texts(page, "#conflicts h3") == ["Held for review: 3", "Decided: 6"]
    assert "Degraded" in texts(page, "#runs tbody tr")[0]


def test_before_the_first_run_the_page_says_what_to_do(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["never"])
    assert texts(page, "main section h2") == ["Three steps to a first picture"]
    assert texts(page, ".steps .command") == [
        "make plan TARGET=sandbox",
        "make sync TARGET=sandbox",
        "crm-sync --target sandbox dashboard",
    ]
    assert not page.js("document.getElementById('filters').checkVisibility()")


def test_an_empty_list_says_what_would_fill_it(open_page: Open, page_of: Callable[..., Path]) -> None:
    file = HealthFile()
    file.rows["staging.stg_object_mappings"] = []
    page = open_page(page_of(file))
    assert len(texts(page, ".empty")) == len(SECTIONS)
    assert "make sync TARGET=sandbox" in texts(page, "#lag .empty")[0]


# ---------------------------------------------------------------- filters


def test_object_and_direction_narrow_what_they_can(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["degraded"])
    choose(page, "object", "company")
    assert texts(page, "#errors h3") == ["DUPLICATES_DETECTED"]
    assert texts(page, "#errors .tally") == ["4 of 14"]
    assert texts(page, "#issues h3") == ["Ambiguous match"]
    assert texts(page, "#coverage h3") == ["Company companies ↔ Account"]
    assert texts(page, "#found") == ["4 errors, 4 data-quality issues, 0 conflicts"]
    assert "not narrowed by object" in texts(page, "#runs")[0]
    choose(page, "object", "")
    choose(page, "direction", "salesforce_to_hubspot")
    assert texts(page, "#errors h3") == ["INVALID_OPTION"]
    assert page.js("[...document.querySelectorAll('#writes .panel-label')].map(one => one.textContent)") == [
        "Salesforce → HubSpot"
    ]
    open_kinds(page, "issues")
    assert set(texts(page, "#issues td:nth-child(4)")) == {"Salesforce → HubSpot"}


def test_search_finds_names_ids_codes_and_values(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["degraded"])
    search(page, "mina ortega")
    assert texts(page, "#errors .kind-count") == ["1"]
    open_kinds(page, "errors")
    assert records(page, "errors") == ["Mina Ortega"]
    search(page, "20500000002")
    assert records(page, "issues") == []  # closed until opened
    open_kinds(page, "issues")
    assert texts(page, "#issues .record-ids") == ["Company · HubSpot 20500000002"]
    search(page, "4939604")
    assert records(page, "conflicts") == ["Ravi Papadakis"]
    assert texts(page, "#errors .empty") == ["Nothing here matches the filters."]


def test_filters_are_kept_in_the_address_and_cleared_at_once(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["degraded"], "#object=contact&direction=hubspot_to_salesforce&text=weber")
    assert page.js("document.getElementById('filter-text').value") == "weber"
    assert texts(page, "#found") == ["1 error, 0 data-quality issues, 0 conflicts"]
    page.js("document.getElementById('filter-clear').click()")
    assert page.js("location.hash") == ""
    assert texts(page, "#errors .tally") == ["14"]
    assert page.js("document.activeElement.id") == "filter-text"


def test_what_is_open_stays_open_while_filters_change(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["degraded"])
    open_kinds(page, "errors")
    page.wait_for("document.querySelectorAll('#errors details[open] table').length === 3")
    choose(page, "object", "contact")
    assert len(records(page, "errors")) == 9
    choose(page, "object", "")
    assert len(records(page, "errors")) == 14


# ---------------------------------------------------------------- thousands of rows


def test_thousands_of_rows_come_a_page_at_a_time_and_the_cut_is_stated(
    open_page: Open, page_of: Callable[..., Path]
) -> None:
    file = degraded()
    for number in range(100, 3_100):
        file.issue(number, issue_type="unmapped_owner", field="OwnerId", hubspot_id=f"9{number:06d}")
    page = open_page(page_of(file))
    open_kinds(page, "issues")
    first = "#issues .kind:first-of-type"
    assert texts(page, f"{first} .kind-count") == ["3,000"]
    assert len(texts(page, f"{first} tbody tr")) == 25
    assert "newest 1,987 of 3,000" in texts(page, f"{first} .table-holder > .small")[0]
    page.js(f"document.querySelector('{first} [data-step=on]').focus()")
    page.press("Enter")
    assert "26–50 of" in texts(page, f"{first} .pager span")[0]
    # what is rare is not crowded out
    assert len(records(page, "issues")) == 25 + 13
    # the page stays where it is, and so does the focus
    assert page.js("document.activeElement.dataset.step") == "on"
    assert page.js("document.querySelectorAll('*').length") < 4_000
    search(page, "9003099")
    assert "rows that this page holds" in texts(page, "#found")[0]


# ---------------------------------------------------------------- hostile texts


def test_hostile_texts_stay_texts(open_page: Open, page_of: Callable[..., Path]) -> None:
    file = HealthFile()
    file.run(NOW, status="degraded", message=HOSTILE, target_name="prod")
    file.addresses("https://app.hubspot.com/contacts/48/record/", "https://acme.my.salesforce.com/")
    odd = '1"><img src=x>/../?#'
    file.error(3, hubspot_id=odd, salesforce_id="003A", payload=None)
    file.named("contact", "1", "003A", HOSTILE, "")
    for kind in ("error", "issue", "conflict"):
        getattr(file, kind)(1, hubspot_id="1", salesforce_id="003A", object="contact")
    file.error(2, error_code=HOSTILE, message=HOSTILE, cause=HOSTILE, fix=HOSTILE, object=HOSTILE, payload=None)
    file.issue(2, field=HOSTILE, detail=HOSTILE, cause=HOSTILE, fix=HOSTILE, object=HOSTILE, issue_type=HOSTILE)
    file.conflict(2, hubspot_value=HOSTILE, salesforce_value=HOSTILE, hubspot_property=HOSTILE, is_held=True)
    file.rows["staging.stg_object_mappings"][0]["object"] = HOSTILE
    page = open_page(page_of(file, "degraded"))
    open_kinds(page, "errors")
    open_kinds(page, "issues")
    assert page.js("document.querySelectorAll('main img, main script').length") == 0
    assert page.js("typeof window.hacked") == "undefined"
    assert any(name.startswith("</script><script>") for name in records(page, "conflicts"))
    assert any("<img src=x onerror=" in said for said in texts(page, "#errors .said"))
    # ids lead to the CRMs, and to nowhere else
    found = page.js("[...document.querySelectorAll('#errors td a')].map(one => [one.href, one.rel, one.target])")
    assert {tuple(one) for one in found} == {
        (address, "noopener noreferrer", "_blank")
        for address in (
            "https://app.hubspot.com/contacts/48/record/0-1/1",
            f"https://app.hubspot.com/contacts/48/record/0-1/{quote(odd, safe='')}",
            "https://app.hubspot.com/contacts/48/record/0-2/30100000002",
            "https://acme.my.salesforce.com/003A",
            "https://acme.my.salesforce.com/003dM000000002QA",
        )
    }
    assert odd in page.js("[...document.querySelectorAll('#errors td a')].map(one => one.textContent)")
    choose(page, "object", HOSTILE)
    assert page.js("typeof window.hacked") == "undefined"


def test_the_policy_stops_what_should_ever_slip_through(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["healthy"])
    page.js(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 1\">')"
    )
    page.wait_for("document.images.length === 1 && document.images[0].complete")
    assert page.js("typeof window.hacked") == "undefined"
    assert page.complaints
    assert all("Content Security Policy" in complaint for complaint in page.complaints)
    page.complaints.clear()
    page.requests[1:] = []


# ---------------------------------------------------------------- light and dark, wide and narrow, keyboard, paper


@pytest.mark.parametrize("name", ["degraded", "healthy", "never"])
def test_every_text_stands_out_in_light_and_dark(open_page: Open, pages: dict[str, Path], name: str) -> None:
    page = open_page(pages[name], scheme="light")
    open_kinds(page, "issues") if name != "never" else None
    ground = page.js("getComputedStyle(document.body).backgroundColor")
    assert page.js(CONTRASTS) == []
    page.emulate("dark")
    assert page.js("getComputedStyle(document.body).backgroundColor") != ground
    assert page.js(CONTRASTS) == []


def test_the_toggle_overrules_the_system(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["healthy"], scheme="dark")
    dark = page.js("getComputedStyle(document.body).backgroundColor")
    page.js("document.getElementById('theme').click()")
    assert texts(page, "#theme") == ["Theme: light"]
    assert page.js("getComputedStyle(document.body).backgroundColor") != dark
    page.js("document.getElementById('theme').click()")
    page.emulate("light")
    assert page.js("getComputedStyle(document.body).backgroundColor") == dark
    page.js("localStorage.clear()")


@pytest.mark.parametrize("width", [320, 375, 920, 1280])
def test_nothing_sticks_out_at_any_width(open_page: Open, pages: dict[str, Path], width: int) -> None:
    page = open_page(pages["degraded"], width=width, height=800, phone=width < 500)
    open_kinds(page, "errors")
    open_kinds(page, "issues")
    assert page.js("document.documentElement.scrollWidth") == width
    wide: list[Any] = page.js(
        "[...document.querySelectorAll('main *')].filter(one => one.checkVisibility() && !one.closest('.hidden, thead')"
        " && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.tagName + '.' + one.className)"
    )
    assert wide == []


def test_on_a_phone_a_row_is_a_card_that_names_its_columns(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["degraded"], width=375, height=800, phone=True)
    assert page.js("getComputedStyle(document.querySelector('#runs td'), '::before').content") == '"Started"'
    # and still a table for those who hear it
    assert page.js("document.querySelector('#runs td').getAttribute('role')") == "cell"


def test_everything_can_be_reached_and_read_by_keyboard(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["healthy"])
    reached = []
    for _ in range(40):
        page.press("Tab")
        reached.append(page.js("(one => one.id || one.className || one.tagName)(document.activeElement)"))
        if reached[-1] == "BODY":
            break
        assert page.js("getComputedStyle(document.activeElement).outlineStyle") != "none", reached[-1]
    assert reached[0] == "skip"
    for part in ("theme", "filter-object", "filter-direction", "filter-text", "chart", "SUMMARY", "button small"):
        assert part in reached, part
    page.press("/")
    assert page.js("document.activeElement.id") == "filter-text"
    page.js("document.querySelector('#writes .chart').focus()")
    page.press("Home")
    assert texts(page, "#writes .readout")[0].startswith("28 Feb · HubSpot → Salesforce: 132 created")
    page.press("ArrowRight")
    assert texts(page, "#writes .readout")[0].startswith("1 Mar")


def test_everything_that_is_used_has_a_name(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["degraded"])
    unnamed = page.js(
        "[...document.querySelectorAll('button, select, input, a, summary, [role=meter], [role=group], table')]"
        ".filter(one => !(one.getAttribute('aria-label') || one.labels?.length || one.innerText?.trim()"
        " || one.getAttribute('aria-labelledby') || one.caption)).map(one => one.outerHTML.slice(0, 80))"
    )
    assert unnamed == []
    assert page.js("document.documentElement.lang") == "en"
    assert page.js("document.querySelectorAll('h1').length") == 1


def test_on_paper_there_are_all_lists_and_no_controls(open_page: Open, pages: dict[str, Path]) -> None:
    page = open_page(pages["degraded"], scheme="dark", width=794)  # A4
    page.js("dispatchEvent(new Event('beforeprint'))")
    page.emulate("dark", media="print")
    assert page.js("getComputedStyle(document.querySelector('#errors td')).display") == "table-cell"
    assert len(records(page, "errors")) == 14
    assert not page.js("document.getElementById('filters').checkVisibility()")
    assert page.js("getComputedStyle(document.querySelector('.card')).backgroundColor") == "rgb(255, 255, 255)"
    page.js("dispatchEvent(new Event('afterprint'))")
    assert records(page, "errors") == []
