"""One message per change of state: which changes count, how they are delivered, and that storms do not happen."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cli_world import CliWorld

from crm_sync.alerts import QUIET_TIME, Alerts, Health, changes, read_health
from crm_sync.config import AlertSettings, Project, load_alert_settings
from crm_sync.errors import ConfigError, CycleFailed, Paused

HEALTHY = Health("healthy")
VALIDATION = {"salesforce.validation": "Salesforce refuses 1 record: validation (CODE). Fix: correct it"}
DEGRADED = Health("degraded", run_id="r1", error_classes=VALIDATION)
FAILED = Health("failed", "Salesforce cannot be reached.", "r2")


class _Webhook:
    """A server on this machine that keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.status = 200
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook.received.append(json.loads(body))
                self.send_response(webhook.status)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def webhook() -> Iterator[_Webhook]:
    server = _Webhook()
    yield server
    server.close()


class _Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def _alerts(webhook: _Webhook, tmp_path: Path, clock: _Clock) -> Alerts:
    return Alerts(AlertSettings(webhook.url), "prod", tmp_path / "prod_alerts.json", clock)


@pytest.mark.parametrize(
    ("told", "now", "said"),
    [
        (HEALTHY, HEALTHY, []),
        (HEALTHY, DEGRADED, ["The sync is degraded.", VALIDATION["salesforce.validation"]]),
        (DEGRADED, FAILED, ["The sync is failed.", "Salesforce cannot be reached."]),
        (FAILED, HEALTHY, ["The sync has recovered (was failed)."]),
        (FAILED, replace(FAILED, message="Another reason."), ["Another reason."]),
        (DEGRADED, replace(DEGRADED, run_id="r9"), []),
        (DEGRADED, replace(DEGRADED, error_classes={}), []),
        (HEALTHY, replace(HEALTHY, suspended={"contact.fax": "Suspended mapping of contact: fax"}),
         ["Suspended mapping of contact: fax"]),
        (HEALTHY, replace(HEALTHY, drift={"hubspot.contacts 1": "Drift: 3 records"}), ["Drift: 3 records"]),
        (HEALTHY, replace(HEALTHY, budget={"hubspot": "HubSpot: 81%"}), ["HubSpot: 81%"]),
        (HEALTHY, Health("paused"), ["The sync is paused."]),
    ],
)  # fmt: skip
def test_only_changes_are_said(told: Health, now: Health, said: list[str]) -> None:
    assert changes(told, now) == said


def test_a_change_is_one_message_and_what_stays_is_none(webhook: _Webhook, tmp_path: Path) -> None:
    alerts = _alerts(webhook, tmp_path, _Clock())
    for _ in range(3):
        assert alerts.consider(DEGRADED) is None
    (message,) = webhook.received
    assert set(message) == {"text"}
    assert message["text"].startswith(":warning: crm-sync prod: The sync is degraded.\nSalesforce refuses 1 record")
    assert "Run r1." in message["text"]


def test_a_state_that_flaps_makes_no_storm_but_a_failure_is_told_at_once(webhook: _Webhook, tmp_path: Path) -> None:
    clock = _Clock()
    alerts = _alerts(webhook, tmp_path, clock)
    for number in range(30):
        alerts.consider(DEGRADED if number % 2 == 0 else HEALTHY)
        clock.at += timedelta(seconds=20)
    assert len(webhook.received) == 1
    alerts.consider(FAILED)
    assert len(webhook.received) == 2
    assert "The sync is failed." in webhook.received[1]["text"]
    alerts.consider(HEALTHY)
    assert len(webhook.received) == 2
    clock.at += QUIET_TIME
    alerts.consider(HEALTHY)
    assert "recovered (was failed)" in webhook.received[2]["text"]


def test_what_cannot_be_delivered_is_tried_again(webhook: _Webhook, tmp_path: Path) -> None:
    alerts = _alerts(webhook, tmp_path, _Clock())
    webhook.status = 500
    assert alerts.consider(FAILED) == "OSError"
    webhook.status = 200
    assert alerts.consider(FAILED) is None
    assert len(webhook.received) == 2


def test_a_command_gets_the_text_and_the_status_and_no_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", "pat-secret")
    out = tmp_path / "out.txt"
    command = f'{{ cat; env; echo "$CRM_SYNC_ALERT_STATUS"; }} > {out}'
    alerts = Alerts(AlertSettings(command=command), "prod", tmp_path / "memory.json", _Clock())
    assert alerts.consider(FAILED) is None
    text = out.read_text(encoding="utf-8")
    assert "Salesforce cannot be reached." in text
    assert text.endswith("failed\n")
    assert "pat-secret" not in text
    bad = Alerts(AlertSettings(command="exit 3"), "prod", tmp_path / "other.json", _Clock())
    assert bad.consider(FAILED) == "CalledProcessError"


def test_markup_in_a_message_stays_text(webhook: _Webhook, tmp_path: Path) -> None:
    alerts = _alerts(webhook, tmp_path, _Clock())
    alerts.consider(replace(FAILED, message="<!channel> & <script>"))
    assert "&lt;!channel&gt; &amp; &lt;script&gt;" in webhook.received[0]["text"]


def test_a_sync_that_becomes_degraded_tells_what_is_refused_and_the_fix(synced: CliWorld) -> None:
    text = (synced.told / "alert.txt").read_text(encoding="utf-8")
    first, second, last = text.splitlines()
    assert first == ":warning: crm-sync sandbox: The sync is degraded."
    assert second.startswith("Salesforce refuses 1 record: validation (FIELD_CUSTOM_VALIDATION_EXCEPTION). Fix: ")
    assert last.endswith("Details: crm-sync --target sandbox status")


def test_the_health_file_and_the_error_make_the_state(synced: CliWorld) -> None:
    found = read_health(synced.health, None)
    assert found.status == "degraded"
    assert list(found.error_classes) == ["salesforce.validation"]
    assert "wizards" not in json.dumps(found.error_classes)  # what a CRM said may quote a record
    assert read_health(synced.health, CycleFailed("Down.")).message == "Down."
    assert read_health(synced.health, Paused("Paused.")).status == "paused"
    assert read_health(synced.project / "none.duckdb", ConfigError("Wrong.")).status == "failed"


def test_a_failing_sync_tells_the_webhook_once(synced: CliWorld, webhook: _Webhook, tmp_path: Path) -> None:
    environment = {"CRM_SYNC_ALERT_WEBHOOK": webhook.url, "WAREHOUSE_PATH": str(tmp_path / "prod.duckdb")}
    for _ in range(2):
        result = synced.run("--target", "prod", "sync", **environment)
        assert result.exit_code == 2
    (message,) = webhook.received
    assert "HubSpot credentials are missing" in message["text"]
    assert (tmp_path / "prod_alerts.json").exists()


def test_a_webhook_that_does_not_answer_changes_nothing(synced: CliWorld, tmp_path: Path) -> None:
    result = synced.run(
        "--target", "prod", "sync",
        CRM_SYNC_ALERT_WEBHOOK="http://127.0.0.1:9/", WAREHOUSE_PATH=str(tmp_path / "prod.duckdb"),
    )  # fmt: skip
    assert result.exit_code == 2
    assert "could not be delivered (ConnectionError)" in result.output


def test_a_webhook_needs_https(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="CRM_SYNC_ALERT_WEBHOOK"):
        load_alert_settings(Project(tmp_path), {"CRM_SYNC_ALERT_WEBHOOK": "http://hooks.example/secret"})
    assert "secret" not in repr(load_alert_settings(Project(tmp_path), {"CRM_SYNC_ALERT_WEBHOOK": "https://x/secret"}))
