"""Settings: where the project, the warehouse and the two CRMs are. The one place that reads the environment.

Secrets never show in a repr. For the target `sandbox` nothing of a production configuration is used: unless the
environment names stand-ins on this machine, the addresses are those that `crm-sync sandbox start` has written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from dotenv import dotenv_values

from crm_sync.errors import ConfigError

SANDBOX = "sandbox"
TARGETS = (SANDBOX, "prod")
DEFAULT_HUBSPOT_URL = "https://api.hubapi.com"
DEFAULT_SALESFORCE_URL = "https://login.salesforce.com"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class HubSpotSettings:
    """How to reach HubSpot: a private-app token or service key, or an OAuth app with its refresh token."""

    base_url: str
    access_token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SalesforceSettings:
    """How to reach Salesforce: client credentials, or a JWT signed with a private key."""

    login_url: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    username: str | None = None
    private_key_file: str | None = None
    api_version: str = "v60.0"


@dataclass(frozen=True)
class Project:
    """The folders of a checkout."""

    root: Path

    @property
    def dbt_dir(self) -> Path:
        return self.root / "dbt_project"

    @property
    def seeds_dir(self) -> Path:
        return self.dbt_dir / "seeds"

    @property
    def macros_dir(self) -> Path:
        return self.dbt_dir / "macros"

    def variable(self, name: str, default: float) -> float:
        """A number among the `vars` of dbt_project.yml."""
        path = self.dbt_dir / "dbt_project.yml"
        value = _variables(path, path.stat().st_mtime_ns).get(name, default)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ConfigError(
                f"The variable {name} in dbt_project.yml is not a number: {value!r}.", "Correct it."
            ) from None


@dataclass(frozen=True)
class Settings:
    """Everything a command needs to know about its surroundings."""

    target: str
    project: Project
    warehouse_path: Path
    hubspot: HubSpotSettings
    salesforce: SalesforceSettings

    @property
    def health_path(self) -> Path:
        """The published file, which can be read at any time, even while a cycle runs."""
        return health_path(self.warehouse_path)


@dataclass(frozen=True)
class AlertSettings:
    """Whom to tell when the state of the sync changes. A webhook's address is a secret: who has it can post."""

    webhook: str | None = field(default=None, repr=False)
    command: str | None = None


@dataclass(frozen=True)
class CiSettings:
    """Whether a GitHub Actions runner reads along, and where its job summary is."""

    is_github: bool = False
    summary: Path | None = None


def load_alert_settings(project: Project, environ: Mapping[str, str]) -> AlertSettings:
    """CRM_SYNC_ALERT_WEBHOOK and CRM_SYNC_ALERT_COMMAND. Raises ConfigError for a webhook without https."""
    merged = _merged(project, environ)
    webhook = merged.get("CRM_SYNC_ALERT_WEBHOOK")
    parts = urlsplit(webhook or "https://none")
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(webhook))):
        raise ConfigError("CRM_SYNC_ALERT_WEBHOOK is not an https address.", "Correct or remove it.")
    return AlertSettings(webhook, merged.get("CRM_SYNC_ALERT_COMMAND"))


def load_ci_settings(environ: Mapping[str, str]) -> CiSettings:
    """GITHUB_ACTIONS and GITHUB_STEP_SUMMARY, as the runner sets them."""
    summary = environ.get("GITHUB_STEP_SUMMARY")
    return CiSettings(environ.get("GITHUB_ACTIONS") == "true", Path(summary) if summary else None)


def find_project(cwd: Path) -> Project:
    """The checkout that `cwd` is in, else the one this package is installed from."""
    for folder in (cwd, *cwd.parents, Path(__file__).resolve().parent.parent):
        if (folder / "dbt_project" / "dbt_project.yml").is_file():
            return Project(folder)
    raise ConfigError("No crm-sync project here.", "Change into the folder that holds dbt_project/.")


def warehouse_path(project: Project, target: str, environ: Mapping[str, str]) -> Path:
    """WAREHOUSE_PATH, by default warehouse/<target>.duckdb of the project."""
    given = _merged(project, environ).get("WAREHOUSE_PATH")
    path = Path(given) if given else Path("warehouse") / f"{target}.duckdb"
    return path if path.is_absolute() else project.root / path


def health_path(warehouse: Path) -> Path:
    """Where the readable copy of a warehouse is published: beside it."""
    return warehouse.with_name(f"{warehouse.stem}_health.duckdb")


def names_stand_ins(project: Project, environ: Mapping[str, str]) -> bool:
    """Whether the environment points the target `sandbox` at servers of its own on this machine."""
    merged = _merged(project, environ)
    return _is_loopback(merged.get("HUBSPOT_BASE_URL")) and _is_loopback(merged.get("SALESFORCE_LOGIN_URL"))


def load_settings(
    target: str, environ: Mapping[str, str], project: Project, sandbox_env: Path | None = None
) -> Settings:
    """Read all settings. Raises ConfigError naming everything that is missing.

    `sandbox_env` is the file that the sandbox has written; it counts for the target `sandbox` only, and then alone.
    """
    if target not in TARGETS:
        raise ConfigError(f"There is no target '{target}'.", f"Use one of: {', '.join(TARGETS)}.")
    merged = _merged(project, environ)
    if target == SANDBOX and not names_stand_ins(project, environ):
        merged = _read_env_file(sandbox_env) if sandbox_env else {}
    return Settings(
        target=target,
        project=project,
        warehouse_path=warehouse_path(project, target, environ),
        hubspot=_hubspot(merged),
        salesforce=_salesforce(merged),
    )


def _hubspot(env: Mapping[str, str]) -> HubSpotSettings:
    oauth = ("HUBSPOT_CLIENT_ID", "HUBSPOT_CLIENT_SECRET", "HUBSPOT_REFRESH_TOKEN")
    if not env.get("HUBSPOT_ACCESS_TOKEN"):
        missing = [name for name in oauth if not env.get(name)]
        if len(missing) == len(oauth):
            missing = ["HUBSPOT_ACCESS_TOKEN"]
        _require(missing, "HubSpot", f"Set HUBSPOT_ACCESS_TOKEN, or all of {', '.join(oauth)}")
    return HubSpotSettings(
        base_url=env.get("HUBSPOT_BASE_URL") or DEFAULT_HUBSPOT_URL,
        access_token=env.get("HUBSPOT_ACCESS_TOKEN"),
        client_id=env.get("HUBSPOT_CLIENT_ID"),
        client_secret=env.get("HUBSPOT_CLIENT_SECRET"),
        refresh_token=env.get("HUBSPOT_REFRESH_TOKEN"),
    )


def _salesforce(env: Mapping[str, str]) -> SalesforceSettings:
    missing = [] if env.get("SALESFORCE_CLIENT_ID") else ["SALESFORCE_CLIENT_ID"]
    if not env.get("SALESFORCE_CLIENT_SECRET"):
        jwt = ("SALESFORCE_USERNAME", "SALESFORCE_PRIVATE_KEY_FILE")
        absent = [name for name in jwt if not env.get(name)]
        missing += ["SALESFORCE_CLIENT_SECRET"] if len(absent) == len(jwt) else absent
    _require(
        missing,
        "Salesforce",
        "Set SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET,"
        " or SALESFORCE_CLIENT_ID, SALESFORCE_USERNAME and SALESFORCE_PRIVATE_KEY_FILE",
    )
    return SalesforceSettings(
        login_url=env.get("SALESFORCE_LOGIN_URL") or DEFAULT_SALESFORCE_URL,
        client_id=env["SALESFORCE_CLIENT_ID"],
        client_secret=env.get("SALESFORCE_CLIENT_SECRET"),
        username=env.get("SALESFORCE_USERNAME"),
        private_key_file=env.get("SALESFORCE_PRIVATE_KEY_FILE"),
        api_version=env.get("SALESFORCE_API_VERSION") or "v60.0",
    )


@lru_cache(maxsize=1)
def _variables(path: Path, changed_ns: int) -> dict[str, Any]:
    """The `vars` of a dbt project, parsed once for as long as its file stays the same."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return (document or {}).get("vars") or {}


def _require(missing: list[str], crm: str, remedy: str) -> None:
    if missing:
        raise ConfigError(
            f"{crm} credentials are missing: {', '.join(missing)}.",
            f"{remedy} in the environment or in a .env file (see .env.example).",
        )


def _merged(project: Project, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment over the .env file. A variable that is set but empty counts as not set."""
    merged = {**_read_env_file(project.root / ".env"), **environ}
    return {name: value for name, value in merged.items() if value}


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}.", "Make it a readable UTF-8 text file.") from None


def _is_loopback(url: str | None) -> bool:
    return bool(url) and urlsplit(url).hostname in _LOOPBACK
