"""The properties, groups and pipelines that a HubSpot account has from the start.

Owns: definitions only. Sources: [HubSpot docs: crm/properties, crm/pipelines], the property listings of
public captures; option lists are HubSpot's own values. A few custom properties are added at the end so that
every type can be tried (custom: not `hubspotDefined`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Definition = dict[str, Any]
Option = tuple[str, str]


def _words(text: str) -> list[str]:
    return text.split()


_INDUSTRIES = _words("""ACCOUNTING AIRLINES_AVIATION ALTERNATIVE_DISPUTE_RESOLUTION ALTERNATIVE_MEDICINE ANIMATION
APPAREL_FASHION ARCHITECTURE_PLANNING ARTS_AND_CRAFTS AUTOMOTIVE AVIATION_AEROSPACE BANKING BIOTECHNOLOGY
BROADCAST_MEDIA BUILDING_MATERIALS BUSINESS_SUPPLIES_AND_EQUIPMENT CAPITAL_MARKETS CHEMICALS
CIVIC_SOCIAL_ORGANIZATION CIVIL_ENGINEERING COMMERCIAL_REAL_ESTATE COMPUTER_NETWORK_SECURITY COMPUTER_GAMES
COMPUTER_HARDWARE COMPUTER_NETWORKING COMPUTER_SOFTWARE INTERNET CONSTRUCTION CONSUMER_ELECTRONICS
CONSUMER_GOODS CONSUMER_SERVICES COSMETICS DAIRY DEFENSE_SPACE DESIGN EDUCATION_MANAGEMENT E_LEARNING
ELECTRICAL_ELECTRONIC_MANUFACTURING ENTERTAINMENT ENVIRONMENTAL_SERVICES EVENTS_SERVICES EXECUTIVE_OFFICE
FACILITIES_SERVICES FARMING FINANCIAL_SERVICES FINE_ART FISHERY FOOD_BEVERAGES FOOD_PRODUCTION FUND_RAISING
FURNITURE GAMBLING_CASINOS GLASS_CERAMICS_CONCRETE GOVERNMENT_ADMINISTRATION GOVERNMENT_RELATIONS
GRAPHIC_DESIGN HEALTH_WELLNESS_AND_FITNESS HIGHER_EDUCATION HOSPITAL_HEALTH_CARE HOSPITALITY HUMAN_RESOURCES
IMPORT_AND_EXPORT INDIVIDUAL_FAMILY_SERVICES INDUSTRIAL_AUTOMATION INFORMATION_SERVICES
INFORMATION_TECHNOLOGY_AND_SERVICES INSURANCE INTERNATIONAL_AFFAIRS INTERNATIONAL_TRADE_AND_DEVELOPMENT
INVESTMENT_BANKING INVESTMENT_MANAGEMENT JUDICIARY LAW_ENFORCEMENT LAW_PRACTICE LEGAL_SERVICES
LEGISLATIVE_OFFICE LEISURE_TRAVEL_TOURISM LIBRARIES LOGISTICS_AND_SUPPLY_CHAIN LUXURY_GOODS_JEWELRY MACHINERY
MANAGEMENT_CONSULTING MARITIME MARKET_RESEARCH MARKETING_AND_ADVERTISING
MECHANICAL_OR_INDUSTRIAL_ENGINEERING MEDIA_PRODUCTION MEDICAL_DEVICES MEDICAL_PRACTICE MENTAL_HEALTH_CARE
MILITARY MINING_METALS MOTION_PICTURES_AND_FILM MUSEUMS_AND_INSTITUTIONS MUSIC NANOTECHNOLOGY NEWSPAPERS
NON_PROFIT_ORGANIZATION_MANAGEMENT OIL_ENERGY ONLINE_MEDIA OUTSOURCING_OFFSHORING PACKAGE_FREIGHT_DELIVERY
PACKAGING_AND_CONTAINERS PAPER_FOREST_PRODUCTS PERFORMING_ARTS PHARMACEUTICALS PHILANTHROPY PHOTOGRAPHY
PLASTICS POLITICAL_ORGANIZATION PRIMARY_SECONDARY_EDUCATION PRINTING PROFESSIONAL_TRAINING_COACHING
PROGRAM_DEVELOPMENT PUBLIC_POLICY PUBLIC_RELATIONS_AND_COMMUNICATIONS PUBLIC_SAFETY PUBLISHING
RAILROAD_MANUFACTURE RANCHING REAL_ESTATE RECREATIONAL_FACILITIES_AND_SERVICES RELIGIOUS_INSTITUTIONS
RENEWABLES_ENVIRONMENT RESEARCH RESTAURANTS RETAIL SECURITY_AND_INVESTIGATIONS SEMICONDUCTORS SHIPBUILDING
SPORTING_GOODS SPORTS STAFFING_AND_RECRUITING SUPERMARKETS TELECOMMUNICATIONS TEXTILES THINK_TANKS TOBACCO
TRANSLATION_AND_LOCALIZATION TRANSPORTATION_TRUCKING_RAILROAD UTILITIES VENTURE_CAPITAL_PRIVATE_EQUITY
VETERINARY WAREHOUSING WHOLESALE WINE_AND_SPIRITS WIRELESS WRITING_AND_EDITING""")

LIFECYCLE_STAGES: tuple[Option, ...] = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
)
"""In the order in which the API lets a record move."""

_LEAD_STATUSES = _words("NEW OPEN IN_PROGRESS OPEN_DEAL UNQUALIFIED ATTEMPTED_TO_CONTACT CONNECTED BAD_TIMING")
_SOURCES = _words(
    "ORGANIC_SEARCH PAID_SEARCH EMAIL_MARKETING SOCIAL_MEDIA REFERRALS OTHER_CAMPAIGNS DIRECT_TRAFFIC OFFLINE"
    " PAID_SOCIAL AI_REFERRALS"
)
_OBJECT_SOURCES = _words("CRM_UI IMPORT INTEGRATION API FORM CONTACTS MERGE_OBJECTS")
_BOOLEAN = (("true", "Yes"), ("false", "No"))


def titled(values: Iterable[str]) -> tuple[Option, ...]:
    return tuple((value, value.replace("_", " ").title()) for value in values)


def definition(
    name: str,
    label: str,
    type_: str = "string",
    field_type: str = "text",
    group: str = "",
    *,
    options: Iterable[Option] = (),
    read_only: bool = False,
    calculated: bool = False,
    custom: bool = False,
    unique: bool = False,
    external: bool = False,
    referenced: str | None = None,
    form_field: bool = True,
    description: str = "",
) -> Definition:
    """One property as the properties API returns it."""
    result: Definition = {
        "createdAt": "2024-01-08T09:00:00.000Z",
        "updatedAt": "2024-01-08T09:00:00.000Z",
        "name": name,
        "label": label,
        "type": type_,
        "fieldType": field_type,
        "description": description,
        "groupName": group,
        "options": [
            {"label": text, "value": value, "description": "", "displayOrder": order, "hidden": False}
            for order, (value, text) in enumerate(options)
        ],
        "displayOrder": -1,
        "calculated": calculated,
        "externalOptions": external,
        "archived": False,
        "hasUniqueValue": unique,
        "hidden": False,
        "hubspotDefined": not custom,
        "modificationMetadata": {
            "archivable": custom,
            "readOnlyDefinition": not custom,
            "readOnlyOptions": not custom,
            "readOnlyValue": read_only or calculated,
        },
        "formField": form_field and not read_only and not calculated,
        "dataSensitivity": "non_sensitive",
    }
    if referenced:
        result["referencedObjectType"] = referenced
    return result


def common(group: str, modified: str, created: str = "createdate") -> list[Definition]:
    """The properties that every kind of record has."""
    read_only: list[tuple[str, str, str, str]] = [
        ("hs_object_id", "Record ID", "number", "number"),
        (created, "Create Date", "datetime", "date"),
        (modified, "Last Modified Date", "datetime", "date"),
        ("hs_object_source_id", "Record source ID", "string", "text"),
        ("hs_object_source_label", "Record source", "string", "text"),
        ("hs_object_source_user_id", "Record creation source user ID", "number", "number"),
        ("hs_merged_object_ids", "Merged record IDs", "enumeration", "checkbox"),
    ]
    return [
        *(
            definition(name, label, type_, field, group, read_only=True, external=type_ == "enumeration")
            for name, label, type_, field in read_only
        ),
        definition(
            "hs_object_source",
            "Record creation source",
            "enumeration",
            "select",
            group,
            read_only=True,
            options=titled(_OBJECT_SOURCES),
        ),
        definition(
            "hubspot_owner_id",
            "Owner",
            "enumeration",
            "select",
            group,
            external=True,
            referenced="OWNER",
        ),
    ]


def _address(group: str) -> list[Definition]:
    names = (
        ("address", "Street Address"),
        ("city", "City"),
        ("state", "State/Region"),
        ("zip", "Postal Code"),
        ("country", "Country/Region"),
    )
    return [definition(name, label, group=group) for name, label in names]


def _lifecycle(group: str) -> list[Definition]:
    return [
        definition("lifecyclestage", "Lifecycle Stage", "enumeration", "radio", group, options=LIFECYCLE_STAGES),
        *(
            definition(
                f"hs_lifecyclestage_{stage}_date",
                f"Became a {label} Date",
                "datetime",
                "date",
                group,
                read_only=True,
            )
            for stage, label in LIFECYCLE_STAGES
        ),
    ]


def _contacts() -> list[Definition]:
    group = "contactinformation"
    plain = (
        ("firstname", "First Name"),
        ("lastname", "Last Name"),
        ("email", "Email"),
        ("jobtitle", "Job Title"),
        ("company", "Company Name"),
        ("website", "Website URL"),
        ("salutation", "Salutation"),
        ("fax", "Fax Number"),
        ("hs_linkedin_url", "LinkedIn URL"),
    )
    return [
        *(definition(name, label, group=group) for name, label in plain),
        definition("phone", "Phone Number", "string", "phonenumber", group),
        definition("mobilephone", "Mobile Phone Number", "string", "phonenumber", group),
        definition("message", "Message", "string", "textarea", group),
        *_address(group),
        *_lifecycle(group),
        definition(
            "hs_lead_status",
            "Lead Status",
            "enumeration",
            "radio",
            "sales_properties",
            options=titled(_LEAD_STATUSES),
        ),
        definition(
            "hs_additional_emails",
            "Additional email addresses",
            "enumeration",
            "checkbox",
            group,
            read_only=True,
            external=True,
        ),
        definition(
            "associatedcompanyid",
            "Primary Associated Company ID",
            "number",
            "number",
            group,
            read_only=True,
            referenced="COMPANY",
        ),
        definition(
            "hs_analytics_source",
            "Original Source",
            "enumeration",
            "select",
            "analyticsinformation",
            read_only=True,
            options=titled(_SOURCES),
        ),
        definition("hs_email_domain", "Email Domain", group="emailinformation", calculated=True),
        definition("hs_full_name_or_email", "Full name or email", group=group, calculated=True),
        definition("hs_all_contact_vids", "All vids for a contact", group=group, calculated=True),
        definition("hs_calculated_merged_vids", "Merged vids with timestamps", group=group, calculated=True),
        definition("hs_pipeline", "Contact Pipeline", group=group, read_only=True),
        definition("notes_last_updated", "Last Activity Date", "datetime", "date", group, read_only=True),
        definition("hs_searchable_calculated_phone_number", "Calculated phone number", group=group, calculated=True),
        definition("hs_searchable_calculated_mobile_number", "Calculated mobile number", group=group, calculated=True),
        *common(group, "lastmodifieddate"),
        *_custom_contact_properties(group),
    ]


def _custom_contact_properties(group: str) -> list[Definition]:
    return [
        definition("lead_source", "Lead source", group=group, custom=True),
        definition(
            "preferred_products",
            "Preferred products",
            "enumeration",
            "checkbox",
            group,
            custom=True,
            options=titled(("analytics", "automation", "crm", "support")),
        ),
        definition(
            "is_reference_customer",
            "Is reference customer",
            "bool",
            "booleancheckbox",
            group,
            custom=True,
            options=_BOOLEAN,
        ),
        definition("contract_renewal_date", "Contract renewal date", "date", "date", group, custom=True),
        definition("last_demo_at", "Last demo at", "datetime", "date", group, custom=True),
        definition("loyalty_points", "Loyalty points", "number", "number", group, custom=True),
    ]


def _companies() -> list[Definition]:
    group = "companyinformation"
    plain = (
        ("name", "Company name"),
        ("domain", "Company Domain Name"),
        ("website", "Website URL"),
        ("address2", "Street Address 2"),
        ("linkedin_company_page", "LinkedIn Company Page"),
    )
    return [
        *(definition(name, label, group=group) for name, label in plain),
        definition("phone", "Phone Number", "string", "phonenumber", group),
        *_address(group),
        definition("description", "Description", "string", "textarea", group),
        definition("about_us", "About Us", "string", "textarea", group),
        definition("industry", "Industry", "enumeration", "select", group, options=titled(_INDUSTRIES)),
        definition("annualrevenue", "Annual Revenue", "number", "number", group),
        definition("numberofemployees", "Number of Employees", "number", "number", group),
        definition("founded_year", "Year Founded", group=group),
        definition(
            "type",
            "Type",
            "enumeration",
            "select",
            group,
            options=titled(("PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER")),
        ),
        definition("hs_lead_status", "Lead Status", "enumeration", "radio", group, options=titled(_LEAD_STATUSES)),
        *_lifecycle(group),
        definition("hs_additional_domains", "Additional Domains", "enumeration", "checkbox", group, external=True),
        definition("hs_pipeline", "Company Pipeline", group=group, read_only=True),
        definition("notes_last_updated", "Last Activity Date", "datetime", "date", group, read_only=True),
        definition(
            "hs_parent_company_id",
            "Parent Company",
            "number",
            "number",
            group,
            read_only=True,
            referenced="COMPANY",
        ),
        *common(group, "hs_lastmodifieddate"),
    ]


def _deals() -> list[Definition]:
    group = "dealinformation"
    return [
        definition("dealname", "Deal Name", group=group),
        definition("amount", "Amount", "number", "number", group),
        definition("closedate", "Close Date", "datetime", "date", group),
        definition("pipeline", "Pipeline", "enumeration", "select", group, external=True),
        definition("dealstage", "Deal Stage", "enumeration", "radio", group, external=True),
        definition(
            "dealtype",
            "Deal Type",
            "enumeration",
            "radio",
            group,
            options=(("newbusiness", "New Business"), ("existingbusiness", "Existing Business")),
        ),
        definition("description", "Deal Description", "string", "textarea", group),
        definition(
            "hs_priority",
            "Priority",
            "enumeration",
            "select",
            group,
            options=titled(("low", "medium", "high")),
        ),
        definition("hs_next_step", "Next step", group=group),
        definition("notes_last_updated", "Last Activity Date", "datetime", "date", group, read_only=True),
        definition("closed_lost_reason", "Closed Lost Reason", "string", "textarea", group),
        definition("closed_won_reason", "Closed Won Reason", "string", "textarea", group),
        definition(
            "hs_is_closed",
            "Is Deal Closed?",
            "bool",
            "calculation_equation",
            group,
            calculated=True,
            options=_BOOLEAN,
        ),
        definition(
            "hs_is_closed_won",
            "Is Closed Won",
            "bool",
            "calculation_equation",
            group,
            calculated=True,
            options=_BOOLEAN,
        ),
        definition(
            "hs_deal_stage_probability",
            "Deal probability",
            "number",
            "calculation_equation",
            group,
            calculated=True,
        ),
        definition(
            "hs_primary_associated_company",
            "Primary Associated Company",
            "number",
            "number",
            group,
            read_only=True,
            referenced="COMPANY",
        ),
        *common(group, "hs_lastmodifieddate"),
    ]


PROPERTIES: dict[str, list[Definition]] = {
    "contacts": _contacts(),
    "companies": _companies(),
    "deals": _deals(),
}

GROUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "contacts": (
        ("contactinformation", "Contact information"),
        ("emailinformation", "Email information"),
        ("analyticsinformation", "Web analytics history"),
        ("sales_properties", "Sales properties"),
    ),
    "companies": (("companyinformation", "Company information"),),
    "deals": (("dealinformation", "Deal information"),),
}


def _stage(stage_id: str, label: str, order: int, probability: str) -> Definition:
    closed = probability in ("0.0", "1.0")
    return {
        "label": label,
        "displayOrder": order,
        "metadata": {"isClosed": "true" if closed else "false", "probability": probability},
        "id": stage_id,
        "createdAt": "2024-01-08T09:00:00.000Z",
        "updatedAt": "2024-01-08T09:00:00.000Z",
        "archived": False,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


def _pipeline(pipeline_id: str, label: str, order: int, stages: Iterable[tuple[str, str, str]]) -> Definition:
    return {
        "label": label,
        "displayOrder": order,
        "id": pipeline_id,
        "stages": [
            _stage(stage_id, stage_label, index, probability)
            for index, (stage_id, stage_label, probability) in enumerate(stages)
        ],
        "createdAt": "2024-01-08T09:00:00.000Z",
        "updatedAt": "2024-01-08T09:00:00.000Z",
        "archived": False,
    }


PIPELINES: dict[str, list[Definition]] = {
    "deals": [
        _pipeline(
            "default",
            "Sales Pipeline",
            0,
            (
                ("appointmentscheduled", "Appointment Scheduled", "0.2"),
                ("qualifiedtobuy", "Qualified To Buy", "0.4"),
                ("presentationscheduled", "Presentation Scheduled", "0.6"),
                ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
                ("contractsent", "Contract Sent", "0.9"),
                ("closedwon", "Closed Won", "1.0"),
                ("closedlost", "Closed Lost", "0.0"),
            ),
        ),
        _pipeline(
            "21740013",
            "Renewals",
            1,
            (
                ("52118801", "Renewal Due", "0.5"),
                ("52118802", "Renewal Negotiation", "0.7"),
                ("52118803", "Renewed", "1.0"),
                ("52118804", "Churned", "0.0"),
            ),
        ),
    ],
    "contacts": [],
    "companies": [],
}
