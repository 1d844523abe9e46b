"""Stand-ins for time and tokens in the tests of the clients."""

from __future__ import annotations

from dataclasses import dataclass, field

from crm_sync.clients.http import Credential


@dataclass
class FakeTime:
    """A clock that stands still unless somebody sleeps."""

    now: float = 1000.0
    sleeps: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


class FixedAuth:
    """Tokens from a list; renewing takes the next one."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = [Credential(token) for token in tokens]
        self.renewals = 0

    def credential(self) -> Credential:
        return self._tokens[0]

    def renew(self, refused: Credential) -> Credential | None:
        self.renewals += 1
        if len(self._tokens) == 1:
            return None
        self._tokens.pop(0)
        return self._tokens[0]
