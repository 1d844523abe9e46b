"""What a person accepts with `--accept`: the name of a limit, a pattern of names, or all of them."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase

ACCEPT_ALL = "all"


def is_accepted(name: str, accepted: Collection[str]) -> bool:
    """Whether exceeding the limit of this name is accepted."""
    return any(pattern == ACCEPT_ALL or fnmatchcase(name, pattern) for pattern in accepted)
