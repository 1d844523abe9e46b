"""HubSpot's official Python client against the stand-in: replies must fit its own model classes."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Crm

hubspot = pytest.importorskip("hubspot")


@pytest.fixture
def client(crm: Crm) -> Any:
    client = hubspot.HubSpot(access_token=crm.session.headers["Authorization"].removeprefix("Bearer "))
    client.config["host"] = crm.url
    return client


def host(api: Any, crm: Crm) -> Any:
    """Point one of the client's generated APIs at the stand-in."""
    api.api_client.configuration.host = crm.url
    return api


def test_list_and_read(client: Any, crm: Crm) -> None:
    crm.control("/reset", {"demo": True})
    page = host(client.crm.contacts.basic_api, crm).get_page(
        limit=50, properties=["email"], properties_with_history=["jobtitle"], associations=["companies"]
    )
    assert len(page.results) == 50
    assert page.paging.next.after
    assert page.results[0].properties["email"]
    assert page.results[0].created_at.year in (2024, 2025, 2026)
    assert page.results[0].associations["companies"].results[0].type == "contact_to_company"


def test_batch_upsert_with_a_partial_error(client: Any, crm: Crm) -> None:
    from hubspot.crm.contacts import (
        BatchInputSimplePublicObjectBatchInputUpsert,
        BatchResponseSimplePublicUpsertObjectWithErrors,
        SimplePublicObjectBatchInputUpsert,
    )

    inputs = [
        SimplePublicObjectBatchInputUpsert(
            id=address, id_property="email", properties={"email": address, **more}, object_write_trace_id=trace
        )
        for trace, address, more in (("a", "ok@acme.com", {}), ("b", "bad@acme.com", {"nope": "1"}))
    ]
    reply = host(client.crm.contacts.batch_api, crm).upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs))
    assert isinstance(reply, BatchResponseSimplePublicUpsertObjectWithErrors)
    assert [(item.properties["email"], item.new) for item in reply.results] == [("ok@acme.com", True)]
    assert reply.num_errors == 1
    assert reply.errors[0].context == {"objectWriteTraceId": ["b"]}


def test_search(client: Any, crm: Crm) -> None:
    from hubspot.crm.companies import Filter, FilterGroup, PublicObjectSearchRequest

    crm.control("/reset", {"demo": True})
    request = PublicObjectSearchRequest(
        filter_groups=[FilterGroup(filters=[Filter(property_name="domain", operator="EQ", value="ACME.com")])],
        properties=["name"],
        limit=10,
    )
    reply = host(client.crm.companies.search_api, crm).do_search(request)
    assert reply.total == 1
    assert reply.results[0].properties["name"] == "Acme"


def test_metadata(client: Any, crm: Crm) -> None:
    for object_ in ("contacts", "companies", "deals"):
        properties = host(client.crm.properties.core_api, crm).get_all(object_).results
        assert all(item.modification_metadata.read_only_value in (True, False) for item in properties)
        assert host(client.crm.properties.groups_api, crm).get_all(object_).results
    pipelines = host(client.crm.pipelines.pipelines_api, crm).get_all("deals").results
    assert [item.label for item in pipelines] == ["Sales Pipeline", "Renewals"]
    owners = host(client.crm.owners.owners_api, crm).get_page(limit=100).results
    assert {owner.type for owner in owners} == {"PERSON"}


def test_associations(client: Any, crm: Crm) -> None:
    from hubspot.crm.associations.v4 import (
        BatchInputPublicFetchAssociationsBatchRequest,
        PublicFetchAssociationsBatchRequest,
    )

    crm.control("/reset", {"demo": True})
    request = BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[PublicFetchAssociationsBatchRequest(id=item) for item in ("30100000001", "30100000029")]
    )
    reply = host(client.crm.associations.v4.batch_api, crm).get_page("contacts", "companies", request)
    assert [spec.label for spec in reply.results[0].to[0].association_types] == ["Primary", None]
    assert reply.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_refusals_are_the_clients_exceptions(client: Any, crm: Crm) -> None:
    from hubspot.crm.contacts import SimplePublicObjectInputForCreate
    from hubspot.crm.contacts.exceptions import ApiException

    api = host(client.crm.contacts.basic_api, crm)
    api.create(SimplePublicObjectInputForCreate(properties={"email": "a@acme.com"}))
    with pytest.raises(ApiException) as caught:
        api.create(SimplePublicObjectInputForCreate(properties={"email": "a@acme.com"}))
    assert caught.value.status == 409
    assert "Existing ID" in caught.value.body
