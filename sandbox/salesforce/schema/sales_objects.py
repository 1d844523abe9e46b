"""The objects that salespeople work with: Account, Contact, Lead, Opportunity, and their links.

Owns: their fields, in describe's order. Refuses: behaviour (saving derives what follows from what).
[Salesforce docs: object reference; jsforce standard schema]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sandbox.salesforce.schema import picklists
from sandbox.salesforce.schema.fields import (
    Field,
    PicklistValue,
    SObject,
    address,
    area,
    audit,
    boolean,
    currency,
    day,
    double,
    email,
    identity,
    integer,
    moment,
    owner,
    percent,
    phone,
    picklist,
    read_only,
    reference,
    text,
    url,
    viewed,
)

TRACKED = {
    "Account": "Name Type Industry Phone Website OwnerId AnnualRevenue NumberOfEmployees BillingCity",
    "Contact": "AccountId Email FirstName LastName Phone MobilePhone Title LeadSource OwnerId MailingCity"
    " MailingStreet MailingState MailingPostalCode MailingCountry Department",
    "Lead": "Status Email FirstName LastName Company Phone MobilePhone Title LeadSource OwnerId Website",
    "Opportunity": "Name StageName Amount CloseDate AccountId OwnerId Type LeadSource NextStep Probability",
}


def sales_objects() -> list[SObject]:
    return [_account(), _contact(), _lead(), _opportunity(), _contact_role(), _campaign(), _campaign_member()]


def _build(shell: SObject, fields: Iterable[Field]) -> SObject:
    tracked = TRACKED.get(shell.name, "").split()
    shell.add(*(replace(each, is_tracked=True) if each.name in tracked else each for each in fields))
    return shell


def _record_type(object_name: str) -> Field:
    return reference(
        "RecordTypeId", "Record Type ID", "RecordType", "RecordType",
        defaulted_on_create=object_name == "Opportunity",
    )  # fmt: skip


def _master(object_name: str) -> Field:
    return read_only(reference("MasterRecordId", "Master Record ID", object_name, "MasterRecord"))


def _person_name(label: str) -> tuple[Field, ...]:
    return (
        text("LastName", "Last Name", 80, nillable=False, compound="Name", extra_type_info="personname"),
        text("FirstName", "First Name", 40, compound="Name", extra_type_info="personname"),
        picklist(
            "Salutation",
            "Salutation",
            picklists.SALUTATIONS,
            40,
            compound="Name",
            extra_type_info="personname",
        ),
        read_only(text("Name", label, 121, nillable=False, name_field=True, extra_type_info="personname")),
    )


def _bounces() -> tuple[Field, ...]:
    return (
        text("EmailBouncedReason", "Email Bounced Reason", 255, createable=False),
        moment("EmailBouncedDate", "Email Bounced Date", createable=False),
    )


def _account() -> SObject:
    shell = SObject("Account", "Account", "Accounts", "001", mergeable=True)
    return _build(shell, (
        *identity("Account"),
        _master("Account"),
        text("Name", "Account Name", 255, nillable=False, name_field=True, extra_type_info="switchablepersonname"),
        picklist("Type", "Account Type", picklists.ACCOUNT_TYPES),
        _record_type("Account"),
        reference("ParentId", "Parent Account ID", "Account", "Parent", child_relationship="ChildAccounts"),
        *address("Billing", "Billing"),
        *address("Shipping", "Shipping"),
        phone("Phone", "Account Phone"),
        phone("Fax", "Account Fax"),
        text("AccountNumber", "Account Number", 40),
        url("Website", "Website"),
        read_only(url("PhotoUrl", "Photo URL")),
        text("Sic", "SIC Code", 20),
        picklist("Industry", "Industry", picklists.INDUSTRIES),
        currency("AnnualRevenue", "Annual Revenue", 18, 0),
        integer("NumberOfEmployees", "Employees"),
        picklist("Ownership", "Ownership", picklists.OWNERSHIPS),
        text("TickerSymbol", "Ticker Symbol", 20),
        area("Description", "Account Description", 32000),
        picklist("Rating", "Account Rating", picklists.RATINGS),
        text("Site", "Account Site", 80),
        owner(),
        *audit(),
        read_only(day("LastActivityDate", "Last Activity")),
        *viewed(),
        text("Jigsaw", "Data.com Key", 20),
        read_only(text("JigsawCompanyId", "Jigsaw Company ID", 20)),
        picklist("AccountSource", "Account Source", picklists.LEAD_SOURCES),
        text("SicDesc", "SIC Description", 80),
    ))  # fmt: skip


def _contact() -> SObject:
    shell = SObject("Contact", "Contact", "Contacts", "003", mergeable=True)
    return _build(shell, (
        *identity("Contact"),
        _master("Contact"),
        reference(
            "AccountId", "Account ID", "Account", "Account", child_relationship="Contacts", cascade_delete=True
        ),
        *_person_name("Full Name"),
        _record_type("Contact"),
        *address("Other", "Other"),
        *address("Mailing", "Mailing"),
        phone("Phone", "Business Phone"),
        phone("Fax", "Business Fax"),
        phone("MobilePhone", "Mobile Phone"),
        phone("HomePhone", "Home Phone"),
        phone("OtherPhone", "Other Phone"),
        phone("AssistantPhone", "Asst. Phone"),
        reference("ReportsToId", "Reports To ID", "Contact", "ReportsTo"),
        email("Email", "Email", id_lookup=True),
        text("Title", "Title", 128),
        text("Department", "Department", 80),
        text("AssistantName", "Assistant's Name", 40),
        picklist("LeadSource", "Lead Source", picklists.LEAD_SOURCES),
        day("Birthdate", "Birthdate"),
        area("Description", "Contact Description", 32000),
        owner(),
        boolean("HasOptedOutOfEmail", "Email Opt Out"),
        boolean("HasOptedOutOfFax", "Fax Opt Out"),
        boolean("DoNotCall", "Do Not Call"),
        *audit(),
        read_only(day("LastActivityDate", "Last Activity")),
        read_only(moment("LastCURequestDate", "Last Stay-in-Touch Request Date")),
        read_only(moment("LastCUUpdateDate", "Last Stay-in-Touch Save Date")),
        *viewed(),
        *_bounces(),
        read_only(boolean("IsEmailBounced", "Is Email Bounced")),
        read_only(url("PhotoUrl", "Photo URL")),
        text("Jigsaw", "Data.com Key", 20),
        read_only(text("JigsawContactId", "Jigsaw Contact ID", 20)),
    ))  # fmt: skip


def _lead() -> SObject:
    shell = SObject("Lead", "Lead", "Leads", "00Q", mergeable=True)
    statuses = [PicklistValue(each.label, each.label, is_default=each.is_default) for each in picklists.LEAD_STATUSES]
    return _build(shell, (
        *identity("Lead"),
        _master("Lead"),
        *_person_name("Full Name"),
        text("Title", "Title", 128),
        text("Company", "Company", 255, nillable=False),
        *address("", ""),
        phone("Phone", "Phone"),
        phone("MobilePhone", "Mobile Phone"),
        phone("Fax", "Fax"),
        email("Email", "Email", id_lookup=True),
        url("Website", "Website"),
        read_only(url("PhotoUrl", "Photo URL")),
        area("Description", "Description", 32000),
        picklist("LeadSource", "Lead Source", picklists.LEAD_SOURCES),
        picklist("Status", "Status", statuses, nillable=False),
        picklist("Industry", "Industry", picklists.INDUSTRIES),
        picklist("Rating", "Rating", picklists.RATINGS),
        currency("AnnualRevenue", "Annual Revenue", 18, 0),
        integer("NumberOfEmployees", "Employees"),
        owner(to=("Group", "User")),
        _record_type("Lead"),
        boolean("HasOptedOutOfEmail", "Email Opt Out"),
        boolean("HasOptedOutOfFax", "Fax Opt Out"),
        boolean("DoNotCall", "Do Not Call"),
        read_only(boolean("IsConverted", "Converted")),
        read_only(day("ConvertedDate", "Converted Date")),
        read_only(reference("ConvertedAccountId", "Converted Account ID", "Account", "ConvertedAccount")),
        read_only(reference("ConvertedContactId", "Converted Contact ID", "Contact", "ConvertedContact")),
        read_only(
            reference("ConvertedOpportunityId", "Converted Opportunity ID", "Opportunity", "ConvertedOpportunity")
        ),
        boolean("IsUnreadByOwner", "Unread By Owner", default=True),
        *audit(),
        read_only(day("LastActivityDate", "Last Activity")),
        *viewed(),
        text("Jigsaw", "Data.com Key", 20),
        read_only(text("JigsawContactId", "Jigsaw Contact ID", 20)),
        *_bounces(),
    ))  # fmt: skip


def _opportunity() -> SObject:
    shell = SObject("Opportunity", "Opportunity", "Opportunities", "006")
    stages = [PicklistValue(stage.label, stage.label) for stage in picklists.STAGES]
    return _build(shell, (
        *identity("Opportunity"),
        reference(
            "AccountId", "Account ID", "Account", "Account", child_relationship="Opportunities", cascade_delete=True
        ),
        _record_type("Opportunity"),
        boolean("IsPrivate", "Private"),
        text("Name", "Name", 120, nillable=False, name_field=True),
        area("Description", "Description", 32000),
        picklist("StageName", "Stage", stages, nillable=False),
        currency("Amount", "Amount"),
        percent("Probability", "Probability (%)", defaulted_on_create=True),
        read_only(currency("ExpectedRevenue", "Expected Amount")),
        double("TotalOpportunityQuantity", "Quantity", 18, 2),
        day("CloseDate", "Close Date", nillable=False),
        picklist("Type", "Opportunity Type", picklists.OPPORTUNITY_TYPES),
        text("NextStep", "Next Step", 255),
        picklist("LeadSource", "Lead Source", picklists.LEAD_SOURCES),
        read_only(boolean("IsClosed", "Closed")),
        read_only(boolean("IsWon", "Won")),
        read_only(
            picklist(
                "ForecastCategory", "Forecast Category", picklists.FORECAST_CODES.values(), 40, nillable=False,
                restricted=True,
            )
        ),
        picklist(
            "ForecastCategoryName", "Forecast Category", picklists.FORECAST_CATEGORIES, defaulted_on_create=True
        ),
        reference("CampaignId", "Campaign ID", "Campaign", "Campaign", child_relationship="Opportunities"),
        read_only(boolean("HasOpportunityLineItem", "Has Line Item")),
        owner(),
        *audit(),
        read_only(day("LastActivityDate", "Last Activity")),
        read_only(integer("PushCount", "Push Count", 9)),
        read_only(moment("LastStageChangeDate", "Last Stage Change Date")),
        read_only(integer("FiscalQuarter", "Fiscal Quarter", 9)),
        read_only(integer("FiscalYear", "Fiscal Year", 9)),
        read_only(text("Fiscal", "Fiscal Period", 6)),
        reference("ContactId", "Contact ID", "Contact", None, updateable=False),
        *viewed(),
        read_only(boolean("HasOpenActivity", "Has Open Activity")),
        read_only(boolean("HasOverdueTask", "Has Overdue Task")),
    ))  # fmt: skip


def _contact_role() -> SObject:
    shell = SObject(
        "OpportunityContactRole",
        "Opportunity Contact Role",
        "Opportunity Contact Role",
        "00K",
        layoutable=False,
    )
    return _build(shell, (
        *identity("Contact Role"),
        reference(
            "OpportunityId", "Opportunity ID", "Opportunity", "Opportunity", nillable=False, updateable=False,
            child_relationship="OpportunityContactRoles", cascade_delete=True,
        ),
        reference(
            "ContactId", "Contact ID", "Contact", "Contact", nillable=False,
            child_relationship="OpportunityContactRoles", cascade_delete=True,
        ),
        picklist("Role", "Role", picklists.CONTACT_ROLES),
        boolean("IsPrimary", "Primary"),
        *audit(),
    ))  # fmt: skip


def _campaign() -> SObject:
    return _build(SObject("Campaign", "Campaign", "Campaigns", "701"), (
        *identity("Campaign"),
        text("Name", "Name", 80, nillable=False, name_field=True),
        picklist("Type", "Type", picklists.CAMPAIGN_TYPES),
        picklist("Status", "Status", picklists.CAMPAIGN_STATUSES),
        day("StartDate", "Start Date"),
        day("EndDate", "End Date"),
        boolean("IsActive", "Active"),
        area("Description", "Description", 32000),
        owner(),
        *audit(),
    ))  # fmt: skip


def _campaign_member() -> SObject:
    return _build(SObject("CampaignMember", "Campaign Member", "Campaign Members", "00v"), (
        *identity("Campaign Member"),
        reference(
            "CampaignId", "Campaign ID", "Campaign", "Campaign", nillable=False, updateable=False,
            child_relationship="CampaignMembers", cascade_delete=True,
        ),
        reference(
            "LeadId", "Lead ID", "Lead", "Lead", updateable=False, child_relationship="CampaignMembers",
            cascade_delete=True,
        ),
        reference(
            "ContactId", "Contact ID", "Contact", "Contact", updateable=False,
            child_relationship="CampaignMembers", cascade_delete=True,
        ),
        picklist("Status", "Status", picklists.MEMBER_STATUSES),
        read_only(boolean("HasResponded", "Responded")),
        *audit(),
    ))  # fmt: skip
