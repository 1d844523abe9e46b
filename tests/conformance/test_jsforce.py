"""jsforce, from npm, against the stand-in Salesforce. Node is optional: where it or npm is missing, skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conformance_support import Stands

VERSION = "3"
CHECKS = Path(__file__).with_name("jsforce_checks.js")
KEY = "Key__c"
INSTALL_SECONDS, RUN_SECONDS = 240, 90
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def cache_dir() -> Path:
    """Where jsforce is installed once and found again: the user's cache, outside the repository."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crm-sync-tests" / f"jsforce-{VERSION}"


@pytest.fixture(scope="session")
def node_path() -> Path:
    """The folder with jsforce in it; skips where it cannot be had."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("Node and npm are not installed: the check with jsforce is left out.")
    folder = cache_dir()
    modules = folder / "node_modules"
    if not (modules / "jsforce" / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--no-save", "--ignore-scripts"]
        command += ["--fetch-retries", "0", "--fetch-timeout", "20000"]
        if CERTIFICATES.exists():  # like pip, trust what this machine trusts
            command += ["--cafile", str(CERTIFICATES)]
        done = subprocess.run(
            [*command, "--prefix", str(folder), f"jsforce@{VERSION}"],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm could not install jsforce: {done.stderr.strip()[-300:]}")
    return modules


@pytest.fixture(scope="module")
def results(running_stands: Stands, node_path: Path) -> dict[str, Any]:
    """One run of all checks over 4,100 contacts."""
    stands = running_stands
    stands.reset()
    metadata = {"type": "Text", "label": "Key", "length": 40, "externalId": True, "unique": True}
    stands.metadata("salesforce", action="add_field", object="Contact", name=KEY, metadata=metadata)
    stands.load("salesforce", "Contact", *({"LastName": f"N{number:05}"} for number in range(4_100)))
    environment = stands.addresses.environment
    arguments = [
        environment["SALESFORCE_LOGIN_URL"],
        environment["SALESFORCE_CLIENT_ID"],
        environment["SALESFORCE_CLIENT_SECRET"],
        KEY,
    ]
    done = subprocess.run(
        ["node", str(CHECKS), *arguments],
        env={**os.environ, "NODE_PATH": str(node_path), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_logs_in_and_sees_the_limits(results: dict[str, Any]) -> None:
    assert results["username"] == "integration@demo.example"
    assert (results["calls"], results["usage"]) == (100_000, 100_000)


def test_pages_a_query(results: dict[str, Any]) -> None:
    assert results["paging"] == {
        "totalSize": 4_100,
        "sizes": [2_000, 2_000],
        "done": [False, False],
        "fetched": 4_100,
    }


def test_creates_reads_updates_upserts_and_deletes(results: dict[str, Any]) -> None:
    found = results["records"]
    assert found["name"] == "Acme"
    assert all(found[name]["success"] for name in ("created", "updated", "upserted", "deleted"))
    assert found["upserted"]["created"] is True


def test_collections(results: dict[str, Any]) -> None:
    found = results["collections"]
    assert [row["success"] for row in found["created"]] == [True, False, True]
    assert found["created"][1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert [row["success"] for row in found["updated"]] == [True, True]
    assert [row["created"] for row in found["upserted"]] == [False, True]
    assert found["titles"] == ["CEO", "CEO"]
    assert [row["success"] for row in found["deleted"]] == [True, True]


def test_bulk_insert_upsert_and_query(results: dict[str, Any]) -> None:
    found = results["bulk"]
    assert (found["inserted"], found["upserted"], found["created"]) == ([250, 0], [10, 1], 5)
    assert found["error"].startswith("REQUIRED_FIELD_MISSING:")
    assert (found["found"], found["sample"]) == (255, 'Bulk, "7"')


def test_describes(results: dict[str, Any]) -> None:
    found = results["describes"]
    assert {"Account", "Contact", "Lead", "Opportunity", "CampaignMember"} <= set(found["objects"])
    assert (found["lastName"]["length"], found["lastName"]["nillable"]) == (80, False)
    assert found["children"] > 0


def test_refusals_are_the_clients_errors(results: dict[str, Any]) -> None:
    found = results["refusals"]
    assert (found["query"]["code"], found["create"]["code"]) == ("INVALID_FIELD", "REQUIRED_FIELD_MISSING")
    assert found["read"]["code"] == "NOT_FOUND"
