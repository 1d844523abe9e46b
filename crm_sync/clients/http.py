"""One HTTP call to a CRM, made carefully: paced, authenticated, repeated where that is safe, and judged.

ApiClient owns retries inside a time budget, the single token renewal after a 401, the call counter and the split
between "certainly not made", "unknown" and "refused" (errors.py). It knows nothing of objects, paging or fields,
refuses plain http to anything but this machine, follows no redirects (a token must not travel to another host),
and logs neither query values nor bodies nor credentials.
"""

from __future__ import annotations

import copy
import ipaddress
import logging
import ssl
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Literal, NoReturn, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError

from crm_sync.clients.decoding import decode, decode_exact, encode
from crm_sync.clients.errors import (
    ApiError,
    BudgetSpent,
    NoResponse,
    NotSent,
    RateLimited,
    Refused,
    ServerTrouble,
    SessionRefused,
    Unauthorized,
    UnreadableAnswer,
)
from crm_sync.clients.limits import ApiLimits, Clock, Limiter, Sleep
from crm_sync.clients.refusals import refusal
from crm_sync.clients.retries import wait_before_retry
from crm_sync.errors import ConfigError

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 130.0
BODY_TIMEOUT_SECONDS = 600.0  # a Salesforce request may run 10 minutes [Salesforce docs: API limits]
LARGEST_BODY_BYTES = 512 * 1024 * 1024
RETRY_BUDGET_SECONDS = 120.0
FIRST_CONTACT_BUDGET_SECONDS = 10.0  # a host that has never answered is more likely a wrong address

Parse = Literal["json", "exact", "text"]
T = TypeVar("T")


@dataclass(frozen=True)
class Credential:
    """What authorises a call. `base_url`, where the token reply names one, replaces the client's own."""

    token: str
    base_url: str | None = None

    def __repr__(self) -> str:
        return "Credential(hidden)"


class Auth(Protocol):
    """Gives the credential to use, and a fresh one after the given one was refused (None: there is none)."""

    def credential(self) -> Credential: ...

    def renew(self, refused: Credential) -> Credential | None: ...


class CallBudget(Protocol):
    """Asked before every call: None, or why the call must not be made."""

    def take(self, limits: ApiLimits) -> str | None: ...


class NoAuth:
    """For token endpoints."""

    def credential(self) -> Credential:
        return Credential("")

    def renew(self, refused: Credential) -> Credential | None:
        return None


@dataclass(frozen=True)
class ApiResponse:
    """An expected answer: `body` is parsed JSON, text for parse="text", None when empty."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    params: Mapping[str, Any] | None
    content: bytes | None
    headers: Mapping[str, str]
    expect: Collection[int]
    parse: Parse

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"


class _Bearer(AuthBase):
    """Sets the header last, so that a .netrc entry for the host cannot replace it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def is_loopback(host: str | None) -> bool:
    """True for localhost and loopback addresses."""
    if host in (None, ""):
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def checked_base_url(url: str, setting: str) -> str:
    """The URL without trailing slash; ConfigError unless it is https, or http to this machine."""
    parts = urlsplit(url.strip())
    allowed = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not allowed or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ConfigError(
            f"{setting} is not a usable URL: it must be https://host (plain http only for this machine).",
            f"Correct {setting} in the environment or .env.",
        )
    return url.strip().rstrip("/")


def new_session() -> requests.Session:
    """A session that never retries on its own.

    urllib3 would log whole URLs at DEBUG, and with them what is asked for.
    """
    logging.getLogger("urllib3").setLevel(logging.INFO)
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=1, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = "crm-sync"
    session.headers["Accept"] = "application/json"
    return session


class Sessions:
    """A session for each call that is under way: requests' sessions are not made for several threads at once.

    The one that came back last is lent first, so that there are as many connections as calls were ever made at once.
    """

    def __init__(self, make: Callable[[], requests.Session] = new_session) -> None:
        self._make = make
        self._free: deque[requests.Session] = deque()

    @contextmanager
    def lend(self) -> Iterator[requests.Session]:
        try:
            session = self._free.pop()
        except IndexError:
            session = self._make()
        try:
            yield session
        finally:
            self._free.append(session)

    def close(self) -> None:
        """Give the connections back; sessions that are lent right now are not waited for."""
        while self._free:
            self._free.pop().close()


class CallCount:
    """Counts the requests that were sent, for itself and for the count it belongs to. Thread-safe."""

    def __init__(self, whole: CallCount | None = None) -> None:
        self._whole = whole
        self._lock = threading.Lock()
        self.value = 0

    def add(self) -> None:
        with self._lock:
            self.value += 1
        if self._whole is not None:
            self._whole.add()

    @property
    def total(self) -> int:
        """Of the outermost count."""
        return self.value if self._whole is None else self._whole.total


class ApiClient:
    """Thread-safe; `crm` is the name used in messages, `calls` counts the requests that were sent."""

    def __init__(
        self,
        sessions: Sessions,
        base_url: str,
        auth: Auth,
        limiter: Limiter,
        clock: Clock,
        sleep: Sleep,
        rng: Random,
        max_elapsed_seconds: float = RETRY_BUDGET_SECONDS,
        crm: str = "",
    ) -> None:
        self.crm = crm
        self.budget: CallBudget | None = None
        self.base_url = base_url
        self._sessions = sessions
        self._auth = auth
        self._limiter = limiter
        self._clock = clock
        self._sleep = sleep
        self._rng = rng
        self._max_elapsed = max_elapsed_seconds
        self._count = CallCount()

    @property
    def calls(self) -> int:
        return self._count.value

    def counted(self) -> ApiClient:
        """The same client (token, limits, budget, connections), whose `calls` are counted apart as well."""
        other = copy.copy(self)
        other._count = CallCount(self._count)
        return other

    @property
    def limits(self) -> ApiLimits:
        return self._limiter.limits

    def await_room(self, calls: int) -> None:
        """Wait until the limits let so many further calls go out without a pause."""
        self._limiter.await_room(calls)

    def credential(self) -> Credential:
        """The credential in use, fetched when there is none yet."""
        return self._auth.credential()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        retry_unknown: bool,
        expect: Collection[int] = (200,),
        parse: Parse = "json",
    ) -> ApiResponse:
        """Make the call until it is answered with a status in `expect`, or raise an ApiError.

        `retry_unknown`: whether it may be repeated when the CRM may already have acted on it. `data` is sent
        form-encoded when it is a mapping, as it is when bytes. `parse="exact"` keeps numbers as their text.
        """
        content, content_type = _content(json, data)
        all_headers = {**({"Content-Type": content_type} if content_type else {}), **(headers or {})}
        call = _Call(method, path, params, content, all_headers, expect, parse)
        started = self._clock()
        deadline = started + self._max_elapsed
        is_renewed = is_unknown = False
        attempt = 0
        while True:
            attempt += 1
            credential: Credential | None = None
            try:
                credential = self._authorise(self._auth.credential)
                return self._attempt(call, credential)
            except Unauthorized as error:
                if credential is None:
                    raise
                if is_renewed:
                    raise _of_renewed_session(error) from error
                if not self._authorise(partial(self._auth.renew, credential)):
                    raise
                log.debug("%s %s: token renewed after %s", self.crm, call.label, error.code or error.status)
                is_renewed = True
            except ApiError as error:
                is_unknown = is_unknown or error.is_outcome_unknown
                wait = wait_before_retry(error, attempt, retry_unknown=retry_unknown, rng=self._rng)
                is_first_contact = isinstance(error, NotSent) and self._count.total == 0
                ends_at = min(deadline, started + FIRST_CONTACT_BUDGET_SECONDS) if is_first_contact else deadline
                if wait is None or self._clock() + wait > ends_at:
                    _raise_final(error, retry_unknown=retry_unknown, is_unknown=is_unknown)
                log.debug("%s %s: retry in %.2f s (%s)", self.crm, call.label, wait, type(error).__name__)
                self._sleep(wait)

    def _authorise(self, get: Callable[[], T]) -> T:
        """A token request that got no answer leaves no write unknown: the call itself was not sent."""
        try:
            return get()
        except ApiError as error:
            if error.is_outcome_unknown:
                raise NotSent(f"no token: {error}", crm=self.crm) from error
            raise

    def _attempt(self, call: _Call, credential: Credential) -> ApiResponse:
        started = self._clock()
        if self.budget is not None and (reason := self.budget.take(self._limiter.limits)) is not None:
            raise BudgetSpent(reason, crm=self.crm, request=call.label)
        with self._limiter.slot(call.path):
            status, headers, content = self._send(call, credential)
        self._limiter.observe(headers)
        log.debug("%s %s: %s in %d ms", self.crm, call.label, status, (self._clock() - started) * 1000)
        if status not in call.expect:
            raise refusal(status, _lenient(content), headers, crm=self.crm, request=call.label)
        if not content:
            return ApiResponse(status, None, headers)
        if call.parse == "text":
            return ApiResponse(status, content.decode("utf-8", "replace"), headers)
        try:
            body = decode_exact(content) if call.parse == "exact" else decode(content)
        except ValueError as error:
            raise UnreadableAnswer(
                f"the answer (status {status}, {len(content)} bytes) is not JSON: {error}",
                crm=self.crm,
                request=call.label,
            ) from error
        return ApiResponse(status, body, headers)

    def _send(self, call: _Call, credential: Credential) -> tuple[int, Mapping[str, str], bytes]:
        url = (credential.base_url or self.base_url) + call.path
        host = urlsplit(url).hostname or ""
        is_sent = True
        try:
            with (
                self._sessions.lend() as session,
                session.request(
                    call.method,
                    url,
                    params=call.params,
                    data=call.content,
                    headers=dict(call.headers),
                    auth=_Bearer(credential.token),
                    timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
                    allow_redirects=False,
                    stream=True,
                    proxies={"no_proxy": host} if is_loopback(host) else None,
                ) as response,
            ):
                return response.status_code, response.headers, self._read(response, call)
        except (requests.RequestException, HTTPError, OSError) as error:
            failure = _failure(error, self.crm, call.label)
            is_sent = not isinstance(failure, NotSent)
            raise failure from error
        finally:
            if is_sent:
                self._count.add()

    def _read(self, response: requests.Response, call: _Call) -> bytes:
        """The whole body, bounded in time and size: a drip of bytes must not hold up a cycle for ever."""
        deadline = self._clock() + BODY_TIMEOUT_SECONDS
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_content(256 * 1024):
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST_BODY_BYTES or self._clock() > deadline:
                raise UnreadableAnswer("the answer is too long or too slow; given up", crm=self.crm, request=call.label)
        return b"".join(chunks)


def _content(json: Any, data: Mapping[str, str] | bytes | None) -> tuple[bytes | None, str | None]:
    if json is not None:
        return encode(json), "application/json"
    if isinstance(data, Mapping):
        return urlencode(data).encode(), "application/x-www-form-urlencoded"
    return data, None


def _lenient(content: bytes) -> Any:
    """An error body: JSON where it is, else the start of its text."""
    try:
        return decode(content) if content else None
    except ValueError:
        return content[:2000].decode("utf-8", "replace")


def _failure(error: Exception, crm: str, request: str) -> ApiError:
    """NotSent only where no byte of the request can have reached the CRM."""
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return NotSent("the address is not valid", crm=crm, request=request)
    if isinstance(error, requests.ConnectTimeout):
        return NotSent("no connection within the time allowed", crm=crm, request=request)
    if isinstance(error, requests.ConnectionError):
        cause = error.args[0] if error.args else None
        reason = cause.reason if isinstance(cause, MaxRetryError) else cause
        reason = getattr(reason, "original_error", reason)
        if isinstance(reason, NewConnectionError | ConnectTimeoutError):
            return NotSent("no connection (refused, or the host is unknown)", crm=crm, request=request)
        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return NotSent("the server's certificate is not trusted", crm=crm, request=request)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return NotSent("the server's certificate is not trusted", crm=crm, request=request)
    if isinstance(error, requests.Timeout):
        return NoResponse("no answer within the time allowed", crm=crm, request=request)
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return UnreadableAnswer("the answer broke off before its end", crm=crm, request=request)
    return NoResponse("the connection broke before an answer came", crm=crm, request=request)


def _of_renewed_session(error: Unauthorized) -> SessionRefused:
    """The refusal of a token that was given just now: whoever gave it has accepted the credentials."""
    return SessionRefused(
        error.message,
        status=error.status,
        code=error.code,
        body=error.body,
        headers=error.headers,
        crm=error.crm,
        request=error.request,
    )


def _raise_final(error: ApiError, *, retry_unknown: bool, is_unknown: bool) -> NoReturn:
    """The error of a call that is given up. An earlier attempt may have had its effect: then that is what counts."""
    is_late_trouble = isinstance(error, ServerTrouble) and error.is_outcome_unknown and not retry_unknown
    is_hidden_unknown = is_unknown and not error.is_outcome_unknown and _leaves_open(error)
    if is_late_trouble or is_hidden_unknown:
        raise NoResponse(
            f"it is unknown whether the call was carried out: {error.message}", crm=error.crm, request=error.request
        ) from error
    raise error


def _leaves_open(error: ApiError) -> bool:
    """Whether an error says nothing about an earlier attempt of the same call."""
    return not isinstance(error, Refused) or isinstance(error, RateLimited | ServerTrouble)
