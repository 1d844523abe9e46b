"""Landing of both CRMs' metadata and records in the warehouse, incrementally, with dlt and Arrow.

`extract` is what the cycle calls. This package is the only writer of the schemas `raw_hubspot` and
`raw_salesforce`; it decides nothing about records and writes nothing to a CRM.
"""

from __future__ import annotations

from pipelines.evidence import FieldInConflict, read_evidence
from pipelines.extraction import ExtractReport, extract
from pipelines.reads import ObjectRead
from pipelines.source import Progress, Schedule

__all__ = ["ExtractReport", "FieldInConflict", "ObjectRead", "Progress", "Schedule", "extract", "read_evidence"]
