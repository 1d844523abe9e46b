"""What describe and the global describe answer.

Owns: turning objects and fields into the JSON of the REST API. Refuses: to decide who sees what.
[Salesforce docs: sObject describe; keys from captured describes]
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.schema.catalog import View
from sandbox.salesforce.schema.fields import Field, SObject

SOAP_TYPES = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
    "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
    "address": "urn:address", "anyType": "xsd:anyType",
}  # fmt: skip
MASTER_RECORD_TYPE = "012000000000000AAA"
_GROUPABLE_NOT = frozenset({"textarea", "double", "currency", "percent", "datetime", "address", "anyType"})


def describe_field(field: Field, can_edit: bool = True) -> dict[str, Any]:
    """One entry of `fields`; `can_edit`: field-level security lets the user write it."""
    is_plain_text = field.is_text or field.type in ("id", "reference", "anyType")
    return {
        "aggregatable": field.filterable and field.type not in ("boolean", "address", "anyType"),
        "aiPredictionField": False,
        "autoNumber": field.auto_number,
        "byteLength": field.length * 3 if field.is_text else field.length,
        "calculated": field.calculated,
        "calculatedFormula": field.formula,
        "cascadeDelete": field.cascade_delete,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound,
        "controllerName": None,
        "createable": field.createable and can_edit,
        "custom": field.custom,
        "defaultValue": field.default_value,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.defaulted_on_create,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.digits,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.external_id,
        "extraTypeInfo": field.extra_type_info or ("plaintextarea" if field.type == "textarea" else None),
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.filterable and field.type not in _GROUPABLE_NOT,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.id_lookup,
        "inlineHelpText": None,
        "label": field.label,
        "length": field.length if is_plain_text else 0,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": len(field.reference_to) > 1,
        "nillable": field.nillable,
        "permissionable": field.nillable and field.type != "id" and field.createable,
        "picklistValues": [
            {
                "active": value.is_active,
                "defaultValue": value.is_default,
                "label": value.label,
                "validFor": None,
                "value": value.value,
            }
            for value in field.picklist
        ],
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "precision": field.precision,
        "queryByDistance": field.type == "address",
        "referenceTargetField": None,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "searchPrefilterable": field.type == "reference",
        "soapType": SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.sortable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable and can_edit,
        "writeRequiresMasterRead": False,
    }


def describe_global_entry(sobject: SObject, base: str) -> dict[str, Any]:
    """One entry of `sobjects` in the global describe. `base` is `/services/data/vNN.0`."""
    url = f"{base}/sobjects/{sobject.name}"
    return {
        "activateable": False,
        "associateEntityType": "History" if sobject.history_of else None,
        "associateParentEntity": sobject.history_of,
        "createable": sobject.createable,
        "custom": sobject.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": sobject.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": sobject.mergeable,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.key_prefix,
        "label": sobject.label,
        "labelPlural": sobject.label_plural,
        "layoutable": sobject.layoutable,
        "mergeable": sobject.mergeable,
        "mruEnabled": sobject.layoutable,
        "name": sobject.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": sobject.layoutable,
        "triggerable": sobject.layoutable,
        "undeletable": sobject.deletable and sobject.has_recycle_bin,
        "updateable": sobject.updateable,
        "urls": {
            "sobject": url,
            "describe": f"{url}/describe",
            "rowTemplate": f"{url}/{{ID}}",
        },
    }


def describe_object(sobject: SObject, view: View, base: str, record_types: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole describe of an object; `record_types` are rows of RecordType for it."""
    entry = describe_global_entry(sobject, base)
    url = entry["urls"]["sobject"]
    return {
        **entry,
        "actionOverrides": [],
        "childRelationships": _child_relationships(sobject, view),
        "compactLayoutable": sobject.layoutable,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [describe_field(field, view.can_edit(sobject, field)) for field in view.fields(sobject)],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_type_infos(url, record_types),
        "searchLayoutable": sobject.layoutable,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {sobject.label_plural.lower()}", "name": "everything"}],
        "urls": {
            **entry["urls"],
            "uiDetailTemplate": "/{ID}",
            "uiEditTemplate": "/{ID}/e",
            "uiNewRecord": f"/{sobject.key_prefix}/e",
        },
    }


def _child_relationships(sobject: SObject, view: View) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": field.cascade_delete,
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": field.child_relationship,
            "restrictedDelete": False,
        }
        for child in view.schema
        for field in view.fields(child)
        if sobject.name in field.reference_to
    ]


def _record_type_infos(url: str, record_types: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = [(row["Id"], row["Name"], row["DeveloperName"], bool(row["IsActive"])) for row in record_types]
    infos = [*rows, (MASTER_RECORD_TYPE, "Master", "Master", True)]
    default = next((row[0] for row in rows if row[3]), MASTER_RECORD_TYPE)
    return [
        {
            "active": is_active,
            "available": is_active,
            "defaultRecordTypeMapping": record_type_id == default,
            "developerName": developer_name,
            "master": record_type_id == MASTER_RECORD_TYPE,
            "name": name,
            "recordTypeId": record_type_id,
            "urls": {"layout": f"{url}/describe/layouts/{record_type_id}"},
        }
        for record_type_id, name, developer_name, is_active in infos
    ]
