"""Activities and set-up objects: Task, Event, User, RecordType, stages, permissions, history.

Owns: their fields. Refuses: behaviour. [Salesforce docs: object reference, history objects, PermissionSet]
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.schema import picklists
from sandbox.salesforce.schema.fields import (
    Field,
    SObject,
    area,
    audit,
    boolean,
    day,
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
)

HISTORIES = {
    "Account": ("AccountHistory", "AccountId", "017"),
    "Contact": ("ContactHistory", "ContactId", "018"),
    "Lead": ("LeadHistory", "LeadId", "00o"),
    "Opportunity": ("OpportunityFieldHistory", "OpportunityId", "019"),
}
WHAT_TARGETS = ("Account", "Opportunity", "Campaign")
SETUP: dict[str, Any] = {"createable": False, "updateable": False, "deletable": False, "layoutable": False}


def setup_objects() -> list[SObject]:
    histories = [_history(parent, *names) for parent, names in HISTORIES.items()]
    return [
        _task(), _event(), _user(), _group(), _profile(), _record_type(), _stage(), _lead_status(), _organization(),
        _permission_set(), _permission_assignment(), _field_permissions(), _object_permissions(), *histories,
    ]  # fmt: skip


def _with(shell: SObject, *fields: Field) -> SObject:
    shell.add(*fields)
    return shell


def _id(label: str) -> Field:
    return identity(label)[0]


def _activity_links(plural: str) -> tuple[Field, ...]:
    return (
        reference("WhoId", "Name ID", ("Contact", "Lead"), "Who", child_relationship=plural),
        reference("WhatId", "Related To ID", WHAT_TARGETS, "What", child_relationship=plural),
    )


def _task() -> SObject:
    return _with(
        SObject("Task", "Task", "Tasks", "00T"),
        *identity("Activity"),
        *_activity_links("Tasks"),
        Field(
            "Subject", "Subject", "combobox", 255,
            picklist=picklist("", "", picklists.TASK_SUBJECTS).picklist, name_field=True,
        ),
        day("ActivityDate", "Due Date Only"),
        picklist("Status", "Status", picklists.TASK_STATUSES, nillable=False),
        picklist("Priority", "Priority", picklists.TASK_PRIORITIES, nillable=False),
        read_only(boolean("IsHighPriority", "High Priority")),
        owner(to=("Group", "User")),
        area("Description", "Description", 32000),
        read_only(reference("AccountId", "Account ID", "Account", "Account")),
        read_only(boolean("IsClosed", "Closed")),
        *audit(),
        read_only(boolean("IsArchived", "Archived")),
        integer("CallDurationInSeconds", "Call Duration"),
        picklist("CallType", "Call Type", picklists.CALL_TYPES, 40),
        text("CallDisposition", "Call Result", 255),
        picklist("TaskSubtype", "Task Subtype", picklists.TASK_SUBTYPES, 40, updateable=False, restricted=True),
        read_only(moment("CompletedDateTime", "Completed Date")),
    )  # fmt: skip


def _event() -> SObject:
    return _with(
        SObject("Event", "Event", "Events", "00U"),
        *identity("Activity"),
        *_activity_links("Events"),
        Field(
            "Subject", "Subject", "combobox", 255,
            picklist=picklist("", "", picklists.TASK_SUBJECTS).picklist, name_field=True,
        ),
        text("Location", "Location", 255),
        boolean("IsAllDayEvent", "All-Day Event"),
        moment("ActivityDateTime", "Due Date Time"),
        day("ActivityDate", "Due Date Only"),
        integer("DurationInMinutes", "Duration"),
        moment("StartDateTime", "Start Date Time"),
        moment("EndDateTime", "End Date Time"),
        area("Description", "Description", 32000),
        read_only(reference("AccountId", "Account ID", "Account", "Account")),
        owner(),
        boolean("IsPrivate", "Private"),
        picklist("ShowAs", "Show Time As", picklists.EVENT_SHOW_AS, 40, restricted=True),
        *audit(),
        read_only(boolean("IsArchived", "Archived")),
    )  # fmt: skip


def _user() -> SObject:
    return _with(
        SObject("User", "User", "Users", "005", deletable=False),
        _id("User"),
        text("Username", "Username", 80, nillable=False, unique=True, id_lookup=True),
        text("LastName", "Last Name", 80, nillable=False),
        text("FirstName", "First Name", 40),
        read_only(text("Name", "Full Name", 121, nillable=False, name_field=True)),
        text("CompanyName", "Company Name", 80),
        text("Department", "Department", 80),
        text("Title", "Title", 80),
        email("Email", "Email", nillable=False),
        phone("Phone", "Phone"),
        phone("MobilePhone", "Mobile Phone"),
        text("Alias", "Alias", 8, nillable=False, defaulted_on_create=True),
        text("CommunityNickname", "Nickname", 40, nillable=False, defaulted_on_create=True),
        boolean("IsActive", "Active", default=True),
        text("TimeZoneSidKey", "Time Zone", 40, nillable=False, defaulted_on_create=True, default_value="UTC"),
        text("LocaleSidKey", "Locale", 40, nillable=False, defaulted_on_create=True, default_value="en_US"),
        text(
            "LanguageLocaleKey",
            "Language",
            40,
            nillable=False,
            defaulted_on_create=True,
            default_value="en_US",
        ),
        text(
            "EmailEncodingKey",
            "Email Encoding",
            40,
            nillable=False,
            defaulted_on_create=True,
            default_value="UTF-8",
        ),
        reference("ProfileId", "Profile ID", "Profile", "Profile", nillable=False, defaulted_on_create=True),
        read_only(
            picklist(
                "UserType",
                "User Type",
                ("Standard", "AutomatedProcess", "Guest"),
                40,
                default_value="Standard",
            )
        ),
        text("FederationIdentifier", "SAML Federation ID", 512),
        *audit(),
    )


def _group() -> SObject:
    return _with(
        SObject("Group", "Group", "Groups", "00G"),
        _id("Group"),
        text("Name", "Name", 40, nillable=False, name_field=True),
        text("DeveloperName", "Developer Name", 80),
        picklist("Type", "Type", ("Regular", "Queue"), 40, nillable=False),
        email("Email", "Email"),
        *audit(),
    )


def _profile() -> SObject:
    return _with(
        SObject("Profile", "Profile", "Profile", "00e", **SETUP),
        _id("Profile"),
        text("Name", "Name", 255, nillable=False, name_field=True),
        text("UserType", "User Type", 40),
        *audit(),
    )


def _record_type() -> SObject:
    return _with(
        SObject("RecordType", "Record Type", "Record Types", "012", **SETUP),
        _id("Record Type"),
        text("Name", "Name", 80, nillable=False, name_field=True),
        text("DeveloperName", "Record Type Name", 80, nillable=False),
        text("NamespacePrefix", "Namespace Prefix", 15),
        area("Description", "Description", 255),
        read_only(Field("BusinessProcessId", "Business Process ID", "reference", 18)),
        text("SobjectType", "SObject Type Name", 40, nillable=False),
        boolean("IsActive", "Active", default=True),
        *audit(),
    )


def _stage() -> SObject:
    return _with(
        SObject("OpportunityStage", "Opportunity Stage", "Opportunity Stage", "01J", **SETUP),
        _id("Opportunity Stage"),
        text("MasterLabel", "Master Label", 255, name_field=True),
        text("ApiName", "API Name", 255),
        boolean("IsActive", "Is Active", default=True),
        integer("SortOrder", "Sort Order"),
        boolean("IsClosed", "Closed"),
        boolean("IsWon", "Won"),
        picklist("ForecastCategory", "Forecast Category", picklists.FORECAST_CODES.values(), 40),
        picklist("ForecastCategoryName", "Forecast Category Name", picklists.FORECAST_CATEGORIES),
        percent("DefaultProbability", "Probability (%)"),
        area("Description", "Description", 255),
        *audit(),
    )


def _lead_status() -> SObject:
    return _with(
        SObject("LeadStatus", "Lead Status Value", "Lead Status Value", "01J", **SETUP),
        _id("Lead Status Value"),
        text("MasterLabel", "Master Label", 255, name_field=True),
        text("ApiName", "API Name", 255),
        integer("SortOrder", "Sort Order"),
        boolean("IsDefault", "Is Default"),
        boolean("IsConverted", "Converted"),
        *audit(),
    )


def _organization() -> SObject:
    return _with(
        SObject("Organization", "Organization", "Organizations", "00D", **SETUP),
        _id("Organization"),
        text("Name", "Name", 80, nillable=False, name_field=True),
        text("InstanceName", "Instance Name", 5),
        text("OrganizationType", "Edition", 40),
        boolean("IsSandbox", "Is Sandbox"),
        text("TimeZoneSidKey", "Time Zone", 40),
        text("DefaultLocaleSidKey", "Locale", 40),
        text("LanguageLocaleKey", "Language", 40),
        integer("FiscalYearStartMonth", "Fiscal Year Starts In"),
        *audit(),
    )


def _permission_set() -> SObject:
    return _with(
        SObject("PermissionSet", "Permission Set", "Permission Sets", "0PS", layoutable=False),
        _id("Permission Set"),
        text("Name", "Permission Set Name", 80, nillable=False, unique=True),
        text("Label", "Permission Set Label", 80, nillable=False, name_field=True),
        text("Description", "Description", 255),
        boolean("IsCustom", "Is Custom", default=True, createable=False, updateable=False),
        boolean("IsOwnedByProfile", "Is Owned By Profile", createable=False, updateable=False),
        reference("ProfileId", "Profile ID", "Profile", "Profile", createable=False, updateable=False),
        *audit(),
    )


def _permission_assignment() -> SObject:
    return _with(
        SObject(
            "PermissionSetAssignment", "Permission Set Assignment", "Permission Set Assignments", "0Pa",
            updateable=False, layoutable=False,
        ),
        _id("Permission Set Assignment"),
        reference(
            "PermissionSetId", "Permission Set ID", "PermissionSet", "PermissionSet", nillable=False,
            updateable=False, child_relationship="Assignments",
        ),
        reference(
            "AssigneeId", "Assignee ID", "User", "Assignee", nillable=False, updateable=False,
            child_relationship="PermissionSetAssignments",
        ),
        read_only(moment("SystemModstamp", "System Modstamp", nillable=False, defaulted_on_create=True)),
    )  # fmt: skip


def _field_permissions() -> SObject:
    return _with(
        SObject("FieldPermissions", "Field Permissions", "Field Permissions", "01k", layoutable=False),
        _id("Field Permissions"),
        reference(
            "ParentId", "Parent ID", "PermissionSet", "Parent", nillable=False, updateable=False,
            child_relationship="FieldPerms",
        ),
        text("SobjectType", "Sobject Type Name", 40, nillable=False, updateable=False),
        text("Field", "Field Name", 255, nillable=False, updateable=False),
        boolean("PermissionsEdit", "Edit Field"),
        boolean("PermissionsRead", "Read Field"),
        read_only(moment("SystemModstamp", "System Modstamp", nillable=False, defaulted_on_create=True)),
    )  # fmt: skip


def _object_permissions() -> SObject:
    names = ("Create", "Delete", "Edit", "ModifyAllRecords", "Read", "ViewAllRecords")
    return _with(
        SObject("ObjectPermissions", "Object Permissions", "Object Permissions", "110", layoutable=False),
        _id("Object Permissions"),
        reference(
            "ParentId", "Parent ID", "PermissionSet", "Parent", nillable=False, updateable=False,
            child_relationship="ObjectPerms",
        ),
        text("SobjectType", "Sobject Type Name", 40, nillable=False, updateable=False),
        *(boolean(f"Permissions{name}", name) for name in names),
        read_only(moment("SystemModstamp", "System Modstamp", nillable=False, defaulted_on_create=True)),
    )  # fmt: skip


def _history(parent: str, name: str, parent_field: str, prefix: str) -> SObject:
    label = f"{parent} History"
    any_type: dict[str, Any] = {"filterable": False, "createable": False, "updateable": False}
    shell = SObject(name, label, label, prefix, history_of=parent, **SETUP)
    return _with(
        shell,
        *identity(label),
        read_only(
            reference(parent_field, f"{parent} ID", parent, parent, nillable=False, child_relationship="Histories")
        ),
        *(each for each in audit() if each.name in ("CreatedById", "CreatedDate")),
        read_only(text("Field", "Changed Field", 255, nillable=False)),
        read_only(text("DataType", "Datatype", 40)),
        Field("OldValue", "Old Value", "anyType", 255, **any_type),
        Field("NewValue", "New Value", "anyType", 255, **any_type),
    )
