"""Both stand-ins in processes of their own, and how tests talk to their control ports."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from crm_sync.clients import Clients, build_clients
from crm_sync.config import HubSpotSettings, SalesforceSettings
from sandbox import control
from sandbox.hubspot import auth as hubspot_auth

DEFAULTS: dict[str, dict[str, Any]] = {
    "hubspot": {
        "rate_limits": False,
        "daily_limit": 625_000,
        "index_lag_ms": 0,
        "scopes": None,
        "scopes_form": "errors",
        "token_seconds": 1800,
    },
    "salesforce": {"rate_limits": False, "daily_api_limit": 100_000, "max_page_size": 2000, "session_seconds": 7200},
}
COMMON = {"latency_ms": 0, "latency_jitter_ms": 0, "clock_skew_ms": 0}


@dataclass
class FakeTime:
    """A clock that stands still unless somebody sleeps: what a client waits, nobody does."""

    now: float = 1000.0
    sleeps: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@dataclass
class Stands:
    """The running stand-ins."""

    state_dir: Path
    addresses: control.SandboxAddresses
    time: FakeTime = field(default_factory=FakeTime)

    def reset(self) -> None:
        """Empty CRMs without limits and faults."""
        control.reset(self.state_dir, demo=False)
        for crm, values in DEFAULTS.items():
            control.clear_faults(self.state_dir, crm)
            control.change_settings(self.state_dir, crm, **COMMON, **values)
        self.time = FakeTime()

    def product(self, oauth: bool = False, sleep: Callable[[float], None] | None = None) -> Clients:
        """The product's own clients; `oauth` uses a HubSpot refresh token."""
        environment = self.addresses.environment
        hubspot = HubSpotSettings(self.addresses.hubspot_url, environment["HUBSPOT_ACCESS_TOKEN"])
        if oauth:
            hubspot = HubSpotSettings(
                self.addresses.hubspot_url,
                client_id=hubspot_auth.CLIENT_ID,
                client_secret=hubspot_auth.CLIENT_SECRET,
                refresh_token=hubspot_auth.REFRESH_TOKEN,
            )
        salesforce = SalesforceSettings(
            self.addresses.salesforce_url,
            environment["SALESFORCE_CLIENT_ID"],
            environment["SALESFORCE_CLIENT_SECRET"],
        )
        settings: Any = SimpleNamespace(hubspot=hubspot, salesforce=salesforce)
        return build_clients(
            settings,
            clock=self.time.clock,
            sleep=sleep or self.time.sleep,
            rng=random.Random(1),
            max_elapsed_seconds=60,
        )

    def fault(self, crm: str, kind: str, **rule: Any) -> None:
        """Let one kind of fault be in force on a CRM."""
        control.set_faults(self.state_dir, crm, {"rules": [{"kind": kind, **rule}]})

    def struck(self, crm: str) -> int:
        """How often the fault in force struck."""
        return int(control.faults(self.state_dir, crm)["injected"])

    def calls(self, crm: str, endpoint: str) -> int:
        """Requests of an endpoint (`METHOD /end of the template`) since the last reset."""
        method, _, end = endpoint.partition(" ")
        found = control.calls(self.state_dir, crm).items()
        return sum(n for name, n in found if name.startswith(method + " ") and name.endswith(end))

    def writes(self, crm: str) -> list[dict[str, Any]]:
        return control.write_log(self.state_dir, crm)

    def load(self, crm: str, object_: str, *records: dict[str, Any]) -> None:
        control.load(self.state_dir, crm, {object_: records})

    def settings(self, crm: str, **values: Any) -> None:
        control.change_settings(self.state_dir, crm, **values)

    def metadata(self, crm: str, **change: Any) -> Any:
        return control.change_metadata(self.state_dir, crm, **change)
