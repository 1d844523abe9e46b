"""Demo data for both CRMs: the same for everybody, as dirty as reality.

Owns: what the demo organisations hold. `hubspot_records()` and `salesforce_records()` give, per object, the
records in the format that the stand-in's `load` takes. Deterministic: no clock, no random state but a fixed
seed.
"""

from sandbox.demo.people import SALESFORCE_USERS

__all__ = ["hubspot_records", "salesforce_records"]


def hubspot_records():
    return {}


def salesforce_records():
    return {"User": list(SALESFORCE_USERS)}
