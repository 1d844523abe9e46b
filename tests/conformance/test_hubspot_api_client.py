"""HubSpot's official Python client against the stand-in, over HTTP, every reply through its own model classes.

Guarded: whatever the product reads or writes, and every error shape, has the fields and types that
`hubspot-api-client` requires. A model that lacks a required field raises while it is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from conformance_support import Stands

from sandbox import control
from sandbox.hubspot import auth

hubspot = pytest.importorskip("hubspot")
AT = "2026-03-01T09:30:00.000Z"


@pytest.fixture
def client(stands: Stands) -> Any:
    token = stands.addresses.environment["HUBSPOT_ACCESS_TOKEN"]
    return hubspot.HubSpot(access_token=token, host=stands.addresses.hubspot_url, base_url=stands.addresses.hubspot_url)


@pytest.fixture
def demo(stands: Stands) -> None:
    control.reset(stands.state_dir, demo=True)


def refusal(call: Callable[[], Any], exception: type[Exception]) -> tuple[int, dict[str, Any]]:
    """Status and body of the client's exception."""
    with pytest.raises(exception) as caught:
        call()
    error: Any = caught.value
    return error.status, json.loads(error.body)


def model(api: Any, body: dict[str, Any], name: str) -> Any:
    """A body made into one of the client's models."""

    class Reply:
        data = json.dumps(body)

    return api.api_client.deserialize(Reply, name)


def create_contacts(client: Any, *emails: str) -> list[str]:
    from hubspot.crm.contacts import SimplePublicObjectInputForCreate as New

    api = client.crm.contacts.basic_api
    return [str(api.create(New(properties={"email": email})).id) for email in emails]


# records --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("demo")
def test_list_with_history_and_associations(client: Any) -> None:
    page = client.crm.contacts.basic_api.get_page(
        limit=50, properties=["email"], properties_with_history=["jobtitle"], associations=["companies"]
    )
    assert (len(page.results), page.results[0].archived) == (50, False)
    assert isinstance(page.results[0].created_at, datetime)
    assert page.results[0].associations["companies"].results[0].type == "contact_to_company"
    history = next(r.properties_with_history["jobtitle"] for r in page.results if r.properties_with_history["jobtitle"])
    assert isinstance(history[0].timestamp, datetime)
    following = client.crm.contacts.basic_api.get_page(limit=50, after=page.paging.next.after)
    assert int(following.results[0].id) >= int(page.paging.next.after)


@pytest.mark.parametrize("name", ["contacts", "companies", "deals"])
@pytest.mark.usefixtures("demo")
def test_read_update_archive_and_the_whole_list(client: Any, name: str) -> None:
    api = client.crm.objects.basic_api
    everything = client.crm.objects.get_all(name)
    assert len(everything) > 100
    record = api.get_by_id(name, everything[0].id)
    from hubspot.crm.objects import SimplePublicObjectInput

    owner = client.crm.owners.owners_api.get_page(limit=1).results[0].id
    changed = api.update(name, record.id, SimplePublicObjectInput(properties={"hubspot_owner_id": owner}))
    assert changed.properties["hubspot_owner_id"] == owner
    assert changed.updated_at > record.updated_at
    api.archive(name, record.id)
    assert api.get_by_id(name, record.id, archived=True).archived_at is not None


def test_contacts_by_email_and_merges(client: Any) -> None:
    from hubspot.crm.contacts import PublicMergeInput

    ids = create_contacts(client, "ada@example.com", "ada@example.org")
    api = client.crm.contacts.basic_api
    assert api.get_by_id("ada@example.com", id_property="email").id == ids[0]
    merge = PublicMergeInput(primary_object_id=ids[0], object_id_to_merge=ids[1])
    survivor = api.merge(merge)
    assert survivor.properties["hs_merged_object_ids"] == ids[1]
    assert api.get_by_id(ids[1]).id == ids[0]


@pytest.mark.usefixtures("demo")
def test_search(client: Any) -> None:
    from hubspot.crm.companies import Filter, FilterGroup, PublicObjectSearchRequest

    request = PublicObjectSearchRequest(
        filter_groups=[FilterGroup(filters=[Filter(property_name="domain", operator="EQ", value="ACME.com")])],
        properties=["name"],
        sorts=[{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}],
        limit=200,
    )
    reply = client.crm.companies.search_api.do_search(request)
    assert (reply.total, reply.results[0].properties["name"]) == (1, "Acme")
    wide = client.crm.contacts.search_api.do_search(PublicObjectSearchRequest(limit=100))
    assert wide.paging.next.after == "100"


@pytest.mark.parametrize("name", ["tasks", "notes", "calls", "meetings", "emails"])
def test_activities(client: Any, name: str) -> None:
    from hubspot.crm.objects import SimplePublicObjectInputForCreate as New

    (contact,) = create_contacts(client, "ada@example.com")
    ids = {"tasks": 204, "notes": 202, "calls": 194, "meetings": 200, "emails": 198}
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": ids[name]}
    links = [{"to": {"id": contact}, "types": [spec]}]
    made = getattr(client.crm.objects, name).basic_api.create(New(properties={"hs_timestamp": AT}, associations=links))
    api = getattr(client.crm.objects, name).basic_api
    page = api.get_page(properties=["hs_timestamp"], associations=["contacts"])
    assert [(item.id, item.properties["hs_timestamp"]) for item in page.results] == [(made.id, AT)]
    assert page.results[0].associations["contacts"].results[0].id == contact


# batches: the four ways of one bad input ------------------------------------------------------------------


def batch(client: Any, operation: str, *inputs: dict[str, Any], **body: Any) -> Any:
    """A batch of contacts through the client's typed input classes."""
    from hubspot.crm import contacts as m

    wrappers = {
        "create": (m.BatchInputSimplePublicObjectBatchInputForCreate, m.SimplePublicObjectBatchInputForCreate),
        "update": (m.BatchInputSimplePublicObjectBatchInput, m.SimplePublicObjectBatchInput),
        "upsert": (m.BatchInputSimplePublicObjectBatchInputUpsert, m.SimplePublicObjectBatchInputUpsert),
        "read": (m.BatchReadInputSimplePublicObjectId, m.SimplePublicObjectId),
        "archive": (m.BatchInputSimplePublicObjectId, m.SimplePublicObjectId),
    }
    whole, one = wrappers[operation]
    typed = whole(inputs=[one(**item) for item in inputs], **body)
    return getattr(client.crm.contacts.batch_api, operation)(typed)


def test_batches_that_succeed(client: Any) -> None:
    emails = ("a@example.com", "b@example.com")
    made = batch(client, "create", *({"properties": {"email": email}, "associations": []} for email in emails))
    assert (made.status, len(made.results)) == ("COMPLETE", 2)
    ids = sorted(item.id for item in made.results)
    changed = batch(client, "update", *({"id": each, "properties": {"city": "Rome"}} for each in ids))
    assert {item.properties["city"] for item in changed.results} == {"Rome"}
    fields: dict[str, list[str]] = {"properties": ["city"], "properties_with_history": ["city"]}
    read = batch(client, "read", *({"id": each} for each in ids), **fields)
    assert {item.properties_with_history["city"][0].value for item in read.results} == {"Rome"}
    upserted = batch(client, "upsert", {"id": emails[0], "id_property": "email", "properties": {"city": "Oslo"}})
    assert upserted.results[0].new is False
    assert batch(client, "archive", *({"id": each} for each in ids)) is None
    gone = client.crm.contacts.basic_api.get_page(archived=True, properties=["email"])
    assert [(item.id, item.archived, isinstance(item.archived_at, datetime)) for item in gone.results] == [
        (each, True, True) for each in ids
    ]


def test_traced_inputs_fail_alone(client: Any) -> None:
    from hubspot.crm.contacts import BatchResponseSimplePublicObjectWithErrors

    (existing,) = create_contacts(client, "taken@example.com")
    inputs = [
        {"properties": {"email": email, **more}, "associations": [], "object_write_trace_id": str(number)}
        for number, (email, more) in enumerate(
            [("ok@example.com", {}), ("bad@example.com", {"nope": "1"}), ("taken@example.com", {})]
        )
    ]
    reply = batch(client, "create", *inputs)
    assert isinstance(reply, BatchResponseSimplePublicObjectWithErrors)
    assert ([item.object_write_trace_id for item in reply.results], reply.num_errors) == (["0"], 2)
    invalid, conflict = sorted(reply.errors, key=lambda error: error.context["objectWriteTraceId"])
    assert invalid.errors[0].code == "PROPERTY_DOESNT_EXIST"
    assert (conflict.category, conflict.context["existingId"]) == ("CONFLICT", [existing])


def test_untraced_inputs_fail_together(client: Any, stands: Stands) -> None:
    from hubspot.crm.contacts.exceptions import ApiException

    create_contacts(client, "taken@example.com")
    before = len(stands.writes("hubspot"))
    api = client.crm.contacts.batch_api
    good: dict[str, Any] = {"properties": {"email": "ok@example.com"}, "associations": []}
    bad = {"properties": {"email": "not an address", "lifecyclestage": "king"}, "associations": []}
    status, body = refusal(lambda: batch(client, "create", good, bad), ApiException)
    error = model(api, body, "Error")
    assert (status, error.category) == (400, "VALIDATION_ERROR")
    assert [detail.code for detail in error.errors] == ["INVALID_EMAIL", "INVALID_OPTION"]
    taken = {"properties": {"email": "taken@example.com"}, "associations": []}
    status, body = refusal(lambda: batch(client, "create", good, taken), ApiException)
    assert (status, model(api, body, "Error").category) == (409, "CONFLICT")
    assert len(stands.writes("hubspot")) == before


def test_unknown_and_merged_and_repeated_ids(client: Any) -> None:
    from hubspot.crm.contacts import PublicMergeInput
    from hubspot.crm.contacts.exceptions import ApiException

    first, second = create_contacts(client, "a@example.com", "b@example.com")
    fields: dict[str, list[str]] = {"properties": [], "properties_with_history": []}
    reply = batch(client, "read", {"id": first}, {"id": "404"}, **fields)
    assert (reply.errors[0].category, reply.errors[0].context) == ("OBJECT_NOT_FOUND", {"ids": ["404"]})
    client.crm.contacts.basic_api.merge(PublicMergeInput(primary_object_id=first, object_id_to_merge=second))
    assert [item.id for item in batch(client, "read", {"id": second}, **fields).results] == [first]
    twice = {"id": first, "properties": {"city": "Rome"}}
    status, body = refusal(lambda: batch(client, "update", twice, twice), ApiException)
    error = model(client.crm.contacts.batch_api, body, "Error")
    assert (status, error.context["ids"]) == (400, [first])
    many = [{"id": str(number), "properties": {}} for number in range(101)]
    assert refusal(lambda: batch(client, "update", *many), ApiException)[0] == 400


# error shapes ---------------------------------------------------------------------------------------------


def test_every_error_shape_is_the_clients_error_model(client: Any, stands: Stands) -> None:
    from hubspot.crm.contacts import PublicObjectSearchRequest, SimplePublicObjectInput
    from hubspot.crm.contacts import SimplePublicObjectInputForCreate as New
    from hubspot.crm.contacts.exceptions import ApiException

    api = client.crm.contacts.basic_api
    (contact,) = create_contacts(client, "ada@example.com")
    calls: dict[str, Callable[[], Any]] = {
        "OBJECT_NOT_FOUND": lambda: api.get_by_id("404"),
        "CONFLICT": lambda: api.create(New(properties={"email": "Ada@example.com"})),
        "VALIDATION_ERROR": lambda: api.update(contact, SimplePublicObjectInput(properties={"createdate": "1"})),
    }
    for category, call in calls.items():
        error = model(api, refusal(call, ApiException)[1], "Error")
        assert (error.category, bool(error.correlation_id)) == (category, True)
    search = client.crm.contacts.search_api.do_search
    status, body = refusal(lambda: search(PublicObjectSearchRequest(after="10000", limit=1)), ApiException)
    assert (status, model(api, body, "Error").category) == (400, "VALIDATION_ERROR")
    bad = {"birthday": "x"}
    assert refusal(lambda: api.create(New(properties=bad)), ApiException)[1]["errors"][0]["context"]
    stands.settings("hubspot", scopes=[], scopes_form="errors")
    error = model(api, refusal(lambda: api.get_page(), ApiException)[1], "Error")
    assert error.errors[0].context == {"requiredGranularScopes": ["crm.objects.contacts.read"]}
    stands.settings("hubspot", scopes_form="context")
    error = model(api, refusal(lambda: api.get_page(), ApiException)[1], "Error")
    assert (error.category, error.context["requiredGranularScopes"]) == (
        "MISSING_SCOPES",
        ["crm.objects.contacts.read"],
    )


def test_credentials_and_limits(client: Any, stands: Stands) -> None:
    from hubspot.crm.contacts.exceptions import ApiException

    api = client.crm.contacts.basic_api
    stranger = hubspot.HubSpot(access_token="nobody", host=stands.addresses.hubspot_url)
    status, body = refusal(lambda: stranger.crm.contacts.basic_api.get_page(), ApiException)
    assert (status, model(api, body, "Error").category) == (401, "INVALID_AUTHENTICATION")
    for policy in ("DAILY", "TEN_SECONDLY_ROLLING", "SECONDLY"):
        stands.fault("hubspot", "rate_limit", policy=policy)
        status, body = refusal(lambda: api.get_page(), ApiException)
        assert (status, body["policyName"], body["errorType"]) == (429, policy, "RATE_LIMIT")
        assert model(api, body, "Error").message.startswith("You have reached your")
    names = ",".join(f"property_{number:05}" for number in range(1_200))
    stands.fault("hubspot", "index_lag", probability=0)
    with pytest.raises(ApiException) as caught:
        api.get_page(properties=[names])
    assert caught.value.status == 414


def test_an_object_type_that_does_not_exist(client: Any) -> None:
    from hubspot.crm.objects.exceptions import ApiException

    status, body = refusal(lambda: client.crm.objects.basic_api.get_page("butterflies"), ApiException)
    # The published capture of this reply has no category, which the client's Error model would require.
    assert (status, body["message"]) == (400, "Unable to infer object type from: butterflies")


def test_oauth(stands: Stands) -> None:
    client = hubspot.HubSpot(host=stands.addresses.hubspot_url)
    grant = {"grant_type": "refresh_token", "client_id": auth.CLIENT_ID, "client_secret": auth.CLIENT_SECRET}
    token = client.oauth.tokens_api.create(refresh_token=auth.REFRESH_TOKEN, **grant)
    assert (token.token_type, token.expires_in) == ("bearer", 1800)
    info = client.oauth.access_tokens_api.get(token.access_token)
    assert (info.token_type, info.hub_id) == ("access", 48_120_077)
    user = hubspot.HubSpot(access_token=token.access_token, host=stands.addresses.hubspot_url)
    assert user.crm.contacts.basic_api.get_page().results == []
    control.act(stands.state_dir, "hubspot", "expire_tokens")
    from hubspot.crm.contacts.exceptions import ApiException as ContactsException

    status, body = refusal(lambda: user.crm.contacts.basic_api.get_page(), ContactsException)
    assert (status, model(user.crm.contacts.basic_api, body, "Error").category) == (401, "EXPIRED_AUTHENTICATION")
    from hubspot.oauth.exceptions import ApiException

    status, body = refusal(lambda: client.oauth.tokens_api.create(refresh_token="dead", **grant), ApiException)
    assert (status, body["status"]) == (400, "BAD_REFRESH_TOKEN")


# metadata -------------------------------------------------------------------------------------------------


def test_properties_and_groups(client: Any) -> None:
    from hubspot.crm import properties as m

    api, groups = client.crm.properties.core_api, client.crm.properties.groups_api
    for name in ("contacts", "companies", "deals", "tasks", "notes", "calls", "meetings", "emails"):
        found = api.get_all(name).results
        assert all(item.modification_metadata.read_only_value in (True, False) for item in found)
        assert groups.get_all(name).results
    groups.create("contacts", m.PropertyGroupCreate(name="sync", label="Sync"))
    option = m.OptionInput(label="A", value="a", display_order=0, hidden=False)
    new = m.PropertyCreate(
        name="tier", label="Tier", type="enumeration", field_type="select", group_name="sync", options=[option]
    )
    assert api.create("contacts", new).options[0].value == "a"
    unique = m.PropertyCreate(
        name="salesforce_record_id", label="Salesforce", type="string", field_type="text", group_name="sync",
        has_unique_value=True,
    )  # fmt: skip
    made = client.crm.properties.batch_api.create("contacts", m.BatchInputPropertyCreate(inputs=[unique]))
    assert made.results[0].has_unique_value is True
    assert api.update("contacts", "tier", m.PropertyUpdate(label="Level")).label == "Level"
    names = m.BatchReadInputPropertyName(archived=False, inputs=[m.PropertyName(name="tier")])
    assert client.crm.properties.batch_api.read("contacts", names).results[0].label == "Level"
    status, body = refusal(lambda: api.create("contacts", new), m.exceptions.ApiException)
    assert (status, model(api, body, "Error").category) == (409, "CONFLICT")
    api.archive("contacts", "tier")
    assert api.get_by_name("contacts", "tier", archived=True).archived is True
    client.crm.properties.batch_api.archive(
        "contacts", m.BatchInputPropertyName([m.PropertyName("salesforce_record_id")])
    )
    groups.archive("contacts", "sync")


def test_pipelines_owners_and_account(client: Any) -> None:
    pipelines = client.crm.pipelines.pipelines_api.get_all("deals").results
    assert [item.label for item in pipelines] == ["Sales Pipeline", "Renewals"]
    assert pipelines[0].stages[-1].metadata == {"isClosed": "true", "probability": "0.0"}
    stages = client.crm.pipelines.pipeline_stages_api.get_all("deals", "default").results
    assert len(stages) == 7
    owners = client.crm.owners.owners_api.get_page(limit=100).results
    assert {owner.type for owner in owners} == {"PERSON"}
    assert client.crm.owners.owners_api.get_by_id(int(owners[0].id)).email == owners[0].email
    (gone, *_) = client.crm.owners.owners_api.get_page(limit=100, archived=True).results
    assert (gone.archived, gone.user_id) == (True, None)
    reply = client.api_request({"path": "/account-info/v3/details"})
    assert reply.json()["portalId"] == 48_120_077


def test_custom_objects(client: Any) -> None:
    from hubspot.crm import schemas as m
    from hubspot.crm.objects import SimplePublicObjectInputForCreate as New

    egg = m.ObjectSchemaEgg(
        name="car",
        labels=m.ObjectTypeDefinitionLabels(singular="Car", plural="Cars"),
        primary_display_property="model",
        required_properties=["model"],
        searchable_properties=["model"],
        properties=[
            m.ObjectTypePropertyCreate(name="model", label="Model", type="string", field_type="text", options=[])
        ],
        associated_objects=["CONTACT"],
    )
    made = client.crm.schemas.core_api.create(egg)
    assert made.object_type_id.startswith("2-")
    read = client.crm.schemas.core_api.get_by_id(made.fully_qualified_name)
    assert "car_to_contact" in [item.name for item in read.associations]
    assert [item.name for item in client.crm.schemas.core_api.get_all().results] == ["car"]
    record = client.crm.objects.basic_api.create(made.object_type_id, New(properties={"model": "T"}))
    assert client.crm.objects.basic_api.get_by_id("car", record.id).properties["model"] == "T"
    patch = m.ObjectTypeDefinitionPatch(searchable_properties=["model"])
    assert client.crm.schemas.core_api.update("car", patch).name == "car"
    client.crm.objects.basic_api.archive("car", record.id)
    client.crm.schemas.core_api.archive("car")


# associations and lists -----------------------------------------------------------------------------------


def test_associations(client: Any) -> None:
    from hubspot.crm.associations import v4 as m
    from hubspot.crm.companies import SimplePublicObjectInputForCreate as New

    first, second = create_contacts(client, "a@example.com", "b@example.com")
    company = client.crm.companies.basic_api.create(New(properties={"name": "Acme"})).id
    basic, api = client.crm.associations.v4.basic_api, client.crm.associations.v4.batch_api
    plain = basic.create_default("contacts", first, "companies", company)
    assert [item.association_spec.association_type_id for item in plain.results] == [279, 280]
    primary = m.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=1)
    assert basic.create("contacts", first, "companies", company, [primary]).labels == ["Primary"]
    pair = {"_from": m.PublicObjectId(id=second), "to": m.PublicObjectId(id=company)}
    wanted = m.BatchInputPublicDefaultAssociationMultiPost([m.PublicDefaultAssociationMultiPost(**pair)])
    assert len(api.create_default("contacts", "companies", wanted).results) == 2
    labelled = m.BatchInputPublicAssociationMultiPost([m.PublicAssociationMultiPost(types=[primary], **pair)])
    assert api.create("contacts", "companies", labelled).results[0].labels == ["Primary"]
    asked = [m.PublicFetchAssociationsBatchRequest(id=each) for each in (first, second, "404")]
    read = api.get_page("contacts", "companies", m.BatchInputPublicFetchAssociationsBatchRequest(inputs=asked))
    assert isinstance(read, m.BatchResponsePublicAssociationMultiWithLabelWithErrors)
    labels = [(spec.type_id, spec.label) for spec in read.results[0].to[0].association_types]
    assert labels == [(1, "Primary"), (279, None)]
    assert read.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"
    listed = basic.get_page("contacts", first, "companies")
    assert [item.to_object_id for item in listed.results] == [company]
    gone = m.PublicAssociationMultiArchive(_from=pair["_from"], to=[pair["to"]])
    api.archive("contacts", "companies", m.BatchInputPublicAssociationMultiArchive([gone]))
    basic.archive("contacts", first, "companies", company)
    assert basic.get_page("contacts", first, "companies").results == []


def test_association_labels(client: Any) -> None:
    from hubspot.crm.associations.v4 import schema as m

    api = client.crm.associations.v4.schema.definitions_api
    assert [(item.type_id, item.label) for item in api.get_all("deals", "contacts").results] == [(3, None)]
    request = m.PublicAssociationDefinitionCreateRequest(label="Buyer", name="buyer", inverse_label="Buys")
    made = api.create("deals", "contacts", request).results
    assert [(item.category, item.label) for item in made] == [("USER_DEFINED", "Buyer"), ("USER_DEFINED", "Buys")]
    change = m.PublicAssociationDefinitionUpdateRequest(association_type_id=made[0].type_id, label="Purchaser")
    api.update("deals", "contacts", change)
    assert "Purchaser" in [item.label for item in api.get_all("deals", "contacts").results]
    api.remove("deals", "contacts", made[0].type_id)
    assert len(api.get_all("deals", "contacts").results) == 1


def test_lists(client: Any) -> None:
    from hubspot.crm import lists as m

    first, second = create_contacts(client, "a@example.com", "b@example.com")
    api, members = client.crm.lists.lists_api, client.crm.lists.memberships_api
    new = m.ListCreateRequest(name="VIP", object_type_id="0-1", processing_type="MANUAL")
    list_id = api.create(new).list.list_id
    changed = members.add(list_id, [first, second, "404"])
    assert (changed.records_ids_added, changed.record_ids_missing) == ([first, second], ["404"])
    page = members.get_page(list_id, limit=250)
    assert [row.record_id for row in page.results] == [first, second]
    assert isinstance(page.results[0].membership_timestamp, datetime)
    assert members.get_page_ordered_by_added_to_list_date(list_id).total == 2
    found = api.do_search(m.ListSearchRequest(query="vip", offset=0, count=500))
    assert [(item.name, item.list_id) for item in found.lists] == [("VIP", list_id)]
    assert (api.get_by_id(list_id).list.name, api.get_by_name("VIP", "0-1").list.list_id) == ("VIP", list_id)
    assert members.get_lists("0-1", first).results[0].list_id == list_id
    members.remove(list_id, [second])
    api.remove(list_id)
    api.restore(list_id)
    assert api.get_all(list_ids=[list_id]).lists[0].name == "VIP"
