"""Names in a query: which column a field path means, and the joins that reach it.

Owns: aliases, joins, the error texts for unknown fields and relationships. Refuses: filters and running.
[Salesforce docs: SOQL reference, relationship queries, polymorphic keys]
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sandbox.salesforce.schema.catalog import View
from sandbox.salesforce.schema.fields import Field, SObject, text
from sandbox.salesforce.schema.formulas import column_sql
from sandbox.salesforce.soql.lexer import error_at
from sandbox.salesforce.soql.tree import Path, Query

MAX_HOPS = 5


@dataclass(frozen=True)
class Hop:
    """One step to a parent. `object_sql` names the parent's object where several are possible."""

    name: str
    type_name: str
    object_sql: str | None = None


@dataclass(frozen=True)
class Column:
    """A resolved field path: the SQL that reads it, the field, and the parents on the way."""

    sql: str
    name: str
    field: Field
    hops: tuple[Hop, ...]


@dataclass(frozen=True)
class _Place:
    """Where a path has arrived: one alias, or one per possible object of a polymorphic parent."""

    objects: tuple[tuple[SObject, str], ...]

    @property
    def is_polymorphic(self) -> bool:
        return len(self.objects) > 1


class Scope:
    """The names of one query level. Aliases carry the depth, so that subqueries do not collide."""

    def __init__(self, query: Query, sobject: SObject, view: View, today: date, depth: int = 0) -> None:
        self.query = query
        self.object = sobject
        self.view = view
        self.today = today
        self.alias = f"t{depth}"
        self._joins: list[str] = []
        self._places: dict[tuple[str, ...], tuple[_Place, Hop]] = {}

    def joins_sql(self) -> str:
        """`from` with all joins that the resolved paths need."""
        return f'from "{self.object.name}" as {self.alias} ' + " ".join(self._joins)

    def column(self, path: Path) -> Column:
        """What a path means; SoqlError INVALID_FIELD when it means nothing to this user."""
        parts = list(path.parts)
        prefixes = {self.object.name.lower(), (self.query.alias or self.object.name).lower()}
        if len(parts) > 1 and parts[0].lower() in prefixes:
            parts = parts[1:]
        place = _Place(((self.object, self.alias),))
        hops: list[Hop] = []
        if len(parts) - 1 > MAX_HOPS:
            raise error_at(self.query.text, path.position, "Too many relationship levels", "INVALID_FIELD")
        for name in parts[:-1]:
            place, hop = self._step(place, tuple(each.name for each in hops), name, path)
            hops.append(hop)
        return self._leaf(place, parts[-1], tuple(hops), path)

    def hop_id(self, hops: tuple[Hop, ...]) -> str:
        """The SQL of a parent's id (null when there is no parent)."""
        place, _ = self._places[tuple(hop.name.lower() for hop in hops)]
        return _first_of(place, "Id")

    def _step(self, place: _Place, so_far: tuple[str, ...], name: str, path: Path) -> tuple[_Place, Hop]:
        key = tuple(each.lower() for each in (*so_far, name))
        if key in self._places:
            return self._places[key]
        sobject, alias = place.objects[0]
        link = next(
            (
                field
                for field in self.view.fields(sobject)
                if field.relationship and field.relationship.lower() == name.lower()
            ),
            None,
        )
        if link is None or place.is_polymorphic:
            raise error_at(self.query.text, path.position, _no_relationship(name), "INVALID_FIELD")
        objects = []
        for target in link.reference_to:
            parent = self.view.schema.find(target)
            if parent is None:
                continue
            parent_alias = f"{self.alias}_{len(self._joins)}"
            visible = self.view.visible_sql(parent_alias)
            self._joins.append(
                f'left join "{parent.name}" as {parent_alias} on {parent_alias}."Id" = {alias}."{link.name}"'
                + (f" and {visible}" if visible else "")
            )
            objects.append((parent, parent_alias))
        arrived = _Place(tuple(objects))
        type_name = "Name" if arrived.is_polymorphic else arrived.objects[0][0].name
        hop = Hop(str(link.relationship), type_name, _type_sql(arrived) if arrived.is_polymorphic else None)
        self._places[key] = (arrived, hop)
        return arrived, hop

    def _leaf(self, place: _Place, name: str, hops: tuple[Hop, ...], path: Path) -> Column:
        if place.is_polymorphic:
            return self._polymorphic_leaf(place, name, hops, path)
        sobject, alias = place.objects[0]
        field = self.view.find(sobject, name)
        if field is None:
            raise error_at(self.query.text, path.position, no_column(name, sobject.name), "INVALID_FIELD")
        sql = address_sql(field, alias) if field.type == "address" else self._sql(sobject, field, alias)
        return Column(sql, field.name, field, hops)

    def _sql(self, sobject: SObject, field: Field, alias: str) -> str:
        return column_sql(self.view.schema, sobject, field, alias)

    def _polymorphic_leaf(self, place: _Place, name: str, hops: tuple[Hop, ...], path: Path) -> Column:
        if name.lower() == "type":
            return Column(_type_sql(place), "Type", text("Type", "Type", 40), hops)
        found = [(self.view.find(sobject, name), sobject, alias) for sobject, alias in place.objects]
        known = [(field, sobject, alias) for field, sobject, alias in found if field is not None]
        if not known:
            raise error_at(self.query.text, path.position, no_column(name, "Name"), "INVALID_FIELD")
        columns = [self._sql(sobject, field, alias) for field, sobject, alias in known]
        sql = columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})"
        return Column(sql, known[0][0].name, known[0][0], hops)


def address_sql(field: Field, alias: str) -> str:
    """A compound address as a JSON text, null when all its parts are."""
    prefix = field.name.removesuffix("Address")
    keys = {
        "city": "City", "country": "Country", "geocodeAccuracy": "GeocodeAccuracy", "latitude": "Latitude",
        "longitude": "Longitude", "postalCode": "PostalCode", "state": "State", "street": "Street",
    }  # fmt: skip
    columns = {key: f'{alias}."{prefix}{part}"' for key, part in keys.items()}
    pairs = ", ".join(f"'{key}', {column}" for key, column in columns.items())
    return f"case when coalesce({', '.join(columns.values())}) is not null then json_object({pairs}) end"


def no_column(name: str, object_name: str) -> str:
    return (
        f"No such column '{name}' on entity '{object_name}'. If you are attempting to use a custom field, be sure"
        " to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the"
        " appropriate names."
    )


def _no_relationship(name: str) -> str:
    return (
        f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom"
        " relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL"
        " or the describe call for the appropriate names."
    )


def _first_of(place: _Place, name: str) -> str:
    columns = [f'{alias}."{name}"' for _, alias in place.objects]
    return columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})"


def _type_sql(place: _Place) -> str:
    cases = " ".join(f"when {alias}.\"Id\" is not null then '{sobject.name}'" for sobject, alias in place.objects)
    return f"case {cases} end"
