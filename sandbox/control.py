"""Playing with the sandbox from outside: starting and stopping the servers, editing as a human, looking.

Owns: the server processes, `sandbox.env`, and the client side of the control ports. The CLI and the tests use
these functions; they talk HTTP only, so that a running server is never bypassed.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from sandbox.loopback import LOOPBACK, bind

CRMS = ("hubspot", "salesforce")
DEFAULT_PORTS = {"hubspot": (8701, 8711), "salesforce": (8702, 8712)}
STATE_DIR_VARIABLE = "CRM_SYNC_SANDBOX_DIR"
START_SECONDS = 30
STOP_SECONDS = 10
LOAD_PORTION = 20_000
Json = dict[str, Any]


class SandboxError(Exception):
    """The sandbox is not running, did not start, or refused what was asked; the message says which."""


@dataclass(frozen=True)
class SandboxAddresses:
    """Where the two CRMs and their control apps answer, and the environment a client needs."""

    hubspot_url: str
    salesforce_url: str
    hubspot_control_url: str
    salesforce_control_url: str
    environment: Mapping[str, str]


class ServerFile:
    """`<crm>.json` in the state directory: process id and ports of a running server."""

    def __init__(self, state_dir: Path, crm: str) -> None:
        self.path = state_dir / f"{crm}.json"

    def write(self, pid: int, port: int, control_port: int) -> None:
        text = json.dumps({"pid": pid, "port": port, "control_port": control_port})
        temporary = self.path.with_suffix(".json.new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self.path)

    def read(self) -> Json | None:
        try:
            content: Json = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return content

    def remove(self, pid: int) -> None:
        """Remove the file if it speaks of this process."""
        content = self.read()
        if content is not None and content["pid"] == pid:
            self.path.unlink(missing_ok=True)


def default_state_dir() -> Path:
    """`$CRM_SYNC_SANDBOX_DIR`, or `.sandbox` in the current directory."""
    return Path(os.environ.get(STATE_DIR_VARIABLE) or ".sandbox")


# starting and stopping ------------------------------------------------------------------------------------


def start(state_dir: Path, demo: bool = True) -> SandboxAddresses:
    """Start what is not running yet, as detached processes, and wait until it answers. A new organisation
    gets the demo data (`demo=False`: metadata only). Writes `sandbox.env`."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with _lock(state_dir):
        missing = [crm for crm in CRMS if _running(state_dir, crm) is None]
        processes = {crm: _spawn(state_dir, crm, *map(_free_or_any, DEFAULT_PORTS[crm])) for crm in missing}
        for crm, process in processes.items():
            # A port may have been taken in the meantime: then once more, on free ones.
            if not _answers(state_dir, crm, process) and not _answers(state_dir, crm, _spawn(state_dir, crm, 0, 0)):
                log = (state_dir / f"{crm}.log").read_text(encoding="utf-8")[-2000:]
                raise SandboxError(f"The stand-in {crm} server did not start. The end of its log:\n{log}")
        for crm in CRMS:
            if _get(state_dir, crm, "/health")["is_new"]:
                _post(state_dir, crm, "/reset", {"demo": demo})
        addresses = _addresses(state_dir)
        lines = [f"{name}={value}\n" for name, value in addresses.environment.items()]
        (state_dir / "sandbox.env").write_text("".join(lines), encoding="utf-8")
    return addresses


def stop(state_dir: Path) -> None:
    """Stop the servers of this state directory; their data stays. One that does not end by itself is killed
    (its database is always in order: every write is a transaction)."""
    if not state_dir.exists():
        return
    with _lock(state_dir):
        for crm in CRMS:
            server = _running(state_dir, crm)
            if server is None:
                continue
            os.kill(server["pid"], signal.SIGTERM)
            if not _has_ended(server["pid"], STOP_SECONDS):
                os.kill(server["pid"], signal.SIGKILL)
                _has_ended(server["pid"], STOP_SECONDS)
            ServerFile(state_dir, crm).remove(server["pid"])


def status(state_dir: Path) -> dict[str, Json]:
    """Per CRM: `running`, and when it is, `url`, `control_url`, `pid`."""
    result: dict[str, Json] = {}
    for crm in CRMS:
        server = _running(state_dir, crm)
        result[crm] = {"running": server is not None}
        if server is not None:
            result[crm] |= {
                "pid": server["pid"],
                "url": _url(server["port"]),
                "control_url": _url(server["control_port"]),
            }
    return result


def reset(state_dir: Path, demo: bool = True) -> None:
    """Both CRMs back to the demo data, or to empty organisations with metadata and users only."""
    for crm in CRMS:
        _post(state_dir, crm, "/reset", {"demo": demo})


def fill(state_dir: Path, contacts: int) -> dict[str, dict[str, int]]:
    """Both CRMs with made-up data in the demo's proportions around so many contacts a side, in place of what they
    held; returns how many of each object."""
    from sandbox.demo import Sizes, hubspot_streams, salesforce_streams

    sizes = Sizes.of(contacts)
    reset(state_dir, demo=False)
    streams = {"hubspot": hubspot_streams(sizes), "salesforce": salesforce_streams(sizes)}
    return {crm: load(state_dir, crm, objects) for crm, objects in streams.items()}


# what humans do -------------------------------------------------------------------------------------------


def edit(
    state_dir: Path,
    crm: str,
    object_: str,
    record_id: str,
    values: Mapping[str, Any],
    user: str | None = None,
    at: datetime | None = None,
) -> Json:
    """Change a record as a human (`user`: name or e-mail) at a time; None clears a value."""
    body = {"object": object_, "id": record_id, "values": dict(values)} | _who_and_when(user, at)
    return _post(state_dir, crm, "/edit", body)


def create(
    state_dir: Path,
    crm: str,
    object_: str,
    values: Mapping[str, Any],
    user: str | None = None,
    at: datetime | None = None,
) -> Json:
    """Create a record as a human; returns it with its id."""
    body = {"object": object_, "values": dict(values)} | _who_and_when(user, at)
    return _post(state_dir, crm, "/create", body)


def delete(
    state_dir: Path,
    crm: str,
    object_: str,
    record_id: str,
    user: str | None = None,
    at: datetime | None = None,
) -> None:
    """Move a record to the recycle bin as a human."""
    _post(state_dir, crm, "/delete", {"object": object_, "id": record_id} | _who_and_when(user, at))


def act(state_dir: Path, crm: str, action: str, **body: Any) -> Json:
    """A CRM's own further acts: `merge`, `restore`, … (see sandbox/README.md)."""
    return _post(state_dir, crm, f"/act/{action}", body)


def load(state_dir: Path, crm: str, records: Mapping[str, Iterable[Json]]) -> dict[str, int]:
    """Put records in as they are, per object, in portions; returns how many."""
    counts: dict[str, int] = {}
    for object_, items in records.items():
        counts[object_], remaining = 0, iter(items)
        while portion := list(islice(remaining, LOAD_PORTION)):
            reply = _post(state_dir, crm, "/load", {"object": object_, "records": portion})
            counts[object_] += int(reply["loaded"])
    return counts


def change_metadata(state_dir: Path, crm: str, **change: Any) -> Json:
    """Hide, delete or rename a property or field, add a picklist value, switch a rule or trigger."""
    return _post(state_dir, crm, "/metadata", change)


def change_settings(state_dir: Path, crm: str, **values: Any) -> Json:
    """Set `rate_limits`, `latency_ms`, `index_lag_ms`, …; returns all settings."""
    return _post(state_dir, crm, "/settings", values)


# misbehaving ----------------------------------------------------------------------------------------------


def set_faults(state_dir: Path, crm: str, plan: Mapping[str, Any]) -> Json:
    """Let requests go wrong as `sandbox.faults` describes, in place of the former plan; returns `faults`."""
    return _post(state_dir, crm, "/faults", dict(plan))


def clear_faults(state_dir: Path, crm: str) -> Json:
    """Behave again, and forget the counts."""
    return _post(state_dir, crm, "/faults", {"rules": []})


def faults(state_dir: Path, crm: str) -> Json:
    """The plan with, per rule, how many requests matched (`calls`) and went wrong (`injected`), and the latest."""
    result: Json = _get(state_dir, crm, "/faults")
    return result


# looking --------------------------------------------------------------------------------------------------


def show(state_dir: Path, crm: str, object_: str, record_id: str) -> Json:
    """One record in full."""
    path = f"/record/{urllib.parse.quote(object_)}/{urllib.parse.quote(record_id)}"
    result: Json = _get(state_dir, crm, path)
    return result


def records(state_dir: Path, crm: str, object_: str) -> list[Json]:
    """Every record of an object that is not deleted."""
    result: list[Json] = _get(state_dir, crm, f"/records/{urllib.parse.quote(object_)}")
    return result


def write_log(state_dir: Path, crm: str, since: int = 0) -> list[Json]:
    """The real changes of data with a greater sequence number, oldest first."""
    result: list[Json] = _get(state_dir, crm, f"/writes?since={since}")
    return result


def calls(state_dir: Path, crm: str) -> dict[str, int]:
    """API requests counted since the last reset, by `METHOD /path-template`."""
    result: dict[str, int] = _get(state_dir, crm, "/calls")
    return result


def reset_calls(state_dir: Path, crm: str) -> None:
    """Start counting API requests from zero."""
    _post(state_dir, crm, "/calls/reset", {})


# inside ---------------------------------------------------------------------------------------------------


@contextmanager
def _lock(state_dir: Path) -> Iterator[None]:
    """One process at a time starts or stops servers of a state directory."""
    with (state_dir / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def _who_and_when(user: str | None, at: datetime | None) -> Json:
    return {"user": user} | ({"at": at.isoformat()} if at is not None else {})


def _running(state_dir: Path, crm: str) -> Json | None:
    """The server file's content when that server answers."""
    server = ServerFile(state_dir, crm).read()
    if server is None:
        return None
    try:
        health = _call(_url(server["control_port"]) + "/health")
    except (SandboxError, OSError):
        return None
    return server if health.get("crm") == crm and health.get("state_dir") == str(state_dir.resolve()) else None


def _answers(state_dir: Path, crm: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a started server answers; False when its process ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if _running(state_dir, crm) is not None:
            return True
        time.sleep(0.05)
    if process.poll() is None:
        process.terminate()
    return False


def _free_or_any(port: int) -> int:
    try:
        bind(port).close()
    except OSError:
        return 0
    return port


def _spawn(state_dir: Path, crm: str, port: int, control_port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sandbox", "serve", crm, "--state-dir", str(state_dir.resolve())]
    command += ["--port", str(port), "--control-port", str(control_port)]
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    with (state_dir / f"{crm}.log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": path},
        )


def _has_ended(pid: int, seconds: float) -> bool:
    """Wait for a process to end, be it a child of this one or not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return True
        except ChildProcessError:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
        time.sleep(0.05)
    return False


def _addresses(state_dir: Path) -> SandboxAddresses:
    urls: dict[str, str] = {}
    environment: dict[str, str] = {}
    for crm in CRMS:
        server = _need_server(state_dir, crm)
        urls[crm], control_url = _url(server["port"]), _url(server["control_port"])
        urls[f"{crm}_control"] = control_url
        query = urllib.parse.urlencode({"base_url": urls[crm]})
        environment |= _call(f"{control_url}/environment?{query}")
        environment[f"SANDBOX_{crm.upper()}_CONTROL_URL"] = control_url
    return SandboxAddresses(
        urls["hubspot"], urls["salesforce"], urls["hubspot_control"], urls["salesforce_control"], environment
    )


def _need_server(state_dir: Path, crm: str) -> Json:
    server = _running(state_dir, crm)
    if server is None:
        raise SandboxError(f"The stand-in {crm} server is not running: `crm-sync sandbox start` starts it.")
    return server


def _control_url(state_dir: Path, crm: str) -> str:
    if crm not in CRMS:
        raise SandboxError(f'Unknown CRM "{crm}": use hubspot or salesforce.')
    server = ServerFile(state_dir, crm).read()
    if server is None:
        raise SandboxError(f"The stand-in {crm} server is not running: `crm-sync sandbox start` starts it.")
    return _url(server["control_port"])


def _get(state_dir: Path, crm: str, path: str) -> Any:
    return _call(_control_url(state_dir, crm) + path)


def _post(state_dir: Path, crm: str, path: str, body: Json) -> Json:
    result: Json = _call(_control_url(state_dir, crm) + path, body)
    return result


def _call(url: str, body: Json | None = None) -> Any:
    """One request to a control port; its refusals become SandboxError."""
    data = orjson.dumps(body) if body is not None else None
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=120) as response:
            return orjson.loads(response.read())
    except urllib.error.HTTPError as error:
        try:
            message = json.load(error).get("error")
        except ValueError:
            message = None
        raise SandboxError(message or f"{url} answered {error.code}.") from error
    except (urllib.error.URLError, TimeoutError) as error:
        raise SandboxError(f"No answer from {url}: {error}") from error
