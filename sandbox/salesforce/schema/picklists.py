"""The standard picklists' values, as a new organisation has them.

Owns: lists of values. Refuses: to say which field uses which list (the object modules do).
[object reference; the guide's stage table for Opportunity.StageName]
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.salesforce.schema.fields import PicklistValue

SALUTATIONS = ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx.")
INDUSTRIES = (
    "Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications", "Construction",
    "Consulting", "Education", "Electronics", "Energy", "Engineering", "Entertainment", "Environmental",
    "Finance", "Food & Beverage", "Government", "Healthcare", "Hospitality", "Insurance", "Machinery",
    "Manufacturing", "Media", "Not For Profit", "Recreation", "Retail", "Shipping", "Technology",
    "Telecommunications", "Transportation", "Utilities", "Other",
)  # fmt: skip
ACCOUNT_TYPES = (
    "Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner / Reseller",
    "Installation Partner", "Technology Partner", "Other",
)  # fmt: skip
OWNERSHIPS = ("Public", "Private", "Subsidiary", "Other")
RATINGS = ("Hot", "Warm", "Cold")
LEAD_SOURCES = (
    "Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other", "Advertisement",
    "Employee Referral", "External Referral", "Public Relations", "Seminar - Internal",
    "Seminar - Partner", "Trade Show", "Word of mouth",
)  # fmt: skip
OPPORTUNITY_TYPES = (
    "Existing Customer - Upgrade", "Existing Customer - Replacement", "Existing Customer - Downgrade",
    "New Customer", "Existing Business", "New Business",
)  # fmt: skip
FORECAST_CATEGORIES = ("Omitted", "Pipeline", "Best Case", "Commit", "Closed")
FORECAST_CODES = {
    "Omitted": "Omitted",
    "Pipeline": "Pipeline",
    "Best Case": "BestCase",
    "Commit": "Forecast",
    "Closed": "Closed",
}
CONTACT_ROLES = (
    "Business User", "Decision Maker", "Economic Buyer", "Economic Decision Maker", "Evaluator",
    "Executive Sponsor", "Influencer", "Technical Buyer", "Other",
)  # fmt: skip
TASK_STATUSES = (
    PicklistValue("Not Started", "Not Started", is_default=True),
    PicklistValue("In Progress", "In Progress"),
    PicklistValue("Completed", "Completed"),
    PicklistValue("Waiting on someone else", "Waiting on someone else"),
    PicklistValue("Deferred", "Deferred"),
)
TASK_PRIORITIES = (
    PicklistValue("High", "High"),
    PicklistValue("Normal", "Normal", is_default=True),
    PicklistValue("Low", "Low"),
)
TASK_SUBJECTS = ("Call", "Send Letter", "Send Quote", "Other")
TASK_SUBTYPES = (
    PicklistValue("Task", "Task", is_default=True),
    PicklistValue("Email", "Email"),
    PicklistValue("Call", "Call"),
)
CALL_TYPES = ("Internal", "Inbound", "Outbound")
EVENT_SHOW_AS = (
    PicklistValue("Busy", "Busy", is_default=True),
    PicklistValue("OutOfOffice", "Out of Office"),
    PicklistValue("Free", "Free"),
)
CAMPAIGN_TYPES = ("Conference", "Webinar", "Trade Show", "Advertisement", "Email", "Telemarketing", "Other")
CAMPAIGN_STATUSES = (
    PicklistValue("Planned", "Planned", is_default=True),
    PicklistValue("In Progress", "In Progress"),
    PicklistValue("Completed", "Completed"),
    PicklistValue("Aborted", "Aborted"),
)
MEMBER_STATUSES = (PicklistValue("Sent", "Sent", is_default=True), PicklistValue("Responded", "Responded"))


@dataclass(frozen=True)
class Stage:
    """One row of OpportunityStage in a new organisation."""

    label: str
    probability: int
    forecast_category: str
    is_closed: bool = False
    is_won: bool = False


STAGES = (
    Stage("Prospecting", 10, "Pipeline"),
    Stage("Discovery", 10, "Pipeline"),
    Stage("Qualification", 20, "Pipeline"),
    Stage("Needs Analysis", 30, "Pipeline"),
    Stage("Proposal/Price Quote", 65, "Best Case"),
    Stage("Negotiation/Review", 80, "Commit"),
    Stage("Closed Won", 100, "Closed", is_closed=True, is_won=True),
    Stage("Closed Lost", 0, "Omitted", is_closed=True),
)


@dataclass(frozen=True)
class Status:
    """One row of LeadStatus in a new organisation."""

    label: str
    is_converted: bool = False
    is_default: bool = False


LEAD_STATUSES = (
    Status("Open - Not Contacted", is_default=True),
    Status("Working - Contacted"),
    Status("Closed - Converted", is_converted=True),
    Status("Closed - Not Converted"),
)
