"""docs/links.openapi.json says what the routes do: the same routes, the same members in, the same members out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from coatcheck.core.author import Author
from coatcheck.core.limits import BOX_ANSWERED_MAX, LINK_NOTE_MAX_CHARS, LINK_PAGE_MAX
from coatcheck.link_desk import audit_routes, notice_routes, routes
from coatcheck.link_desk.arrival_routes import ARRIVAL_ROUTES, MEMBERS, write_arrival
from coatcheck.link_desk.documents import write_link, write_refusal, write_rule
from coatcheck.link_desk.ticket_documents import _BOX, CHANGES, WANTED, write_ticket
from coatcheck.link_desk.ticket_routes import TICKET_ROUTES
from coatcheck.links.notices import Signing, Target, Told, Waiting
from coatcheck.links.uses import Uses
from coatcheck.operations.link_notices import Queued
from coatcheck.ports.arrivals import Arrival
from coatcheck.ports.link_audit import AuditRow
from coatcheck.ports.links import Link, Rule, Scope
from coatcheck.ports.tickets import Box, Names, Ticket

from ..engines.test_refusal_ring import A_REFUSAL

DOCUMENT: Final[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "docs" / "links.openapi.json").read_text())
OPERATIONS: Final = {
    (method.upper(), path.removeprefix("/")): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def test_the_routes_are_those_described() -> None:
    assert {
        (route.method, route.path): route.run.__name__ for route in (*routes.ROUTES, *TICKET_ROUTES, *ARRIVAL_ROUTES)
    } == {route: operation["operationId"] for route, operation in OPERATIONS.items()}


@pytest.mark.parametrize("route", sorted(OPERATIONS))
def test_changes_and_only_changes_have_a_body_a_digest_and_a_nonce(route: tuple[str, str]) -> None:
    operation, changes = OPERATIONS[route], route[0] != "GET"
    references = {parameter.get("$ref", "") for parameter in operation["parameters"]}
    assert ("requestBody" in operation) is changes
    assert ({"#/components/parameters/Digest", "#/components/parameters/Nonce"} <= references) is changes


def properties(schema: dict[str, Any]) -> set[str]:
    return set(schema["properties"])


@pytest.mark.parametrize(
    ("route", "members"),
    [
        (("POST", "links"), routes._SHOWN | routes._LIMITS),
        (("POST", "cancellations"), routes._SHOWN),
        (("POST", "rules"), routes._SCOPE | {"signed_before", "registered_only"}),
        (("DELETE", "rules"), routes._SCOPE),
        (("DELETE", "links/{id}"), frozenset()),
        (("POST", "tickets"), WANTED),
        (("POST", "tickets/{id}"), CHANGES),
        (("POST", "notices"), notice_routes._TARGET),
        (("DELETE", "notices"), notice_routes._NAMED),
        (("POST", "tickets/{id}/arrivals"), MEMBERS),
    ],
)
def test_a_body_has_the_members_described(route: tuple[str, str], members: frozenset[str]) -> None:
    schema = OPERATIONS[route]["requestBody"]["content"]["application/json"]["schema"]
    assert properties(schema) == set(members)
    assert schema["additionalProperties"] is False


def test_answers_have_the_members_described() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    link = Link("lk_", "1", "a", "b", "c", 0)
    assert write_link(link, 0, Uses()).keys() == properties(schemas["Link"])
    written = [
        write_ticket(link, Ticket("lk_", names, ("c",), Author("1"), "", box=Box()), 0, Uses()).keys()
        for names in Names
    ]
    assert set().union(*written, {"url"}) == properties(schemas["Ticket"])
    assert properties(schemas["Ticket"]["properties"]["box"]) == _BOX
    arrival = Arrival("0" * 32, "lk_", 1, "c", "c", "a/b", 1, 0, 0)
    assert write_arrival(arrival).keys() == properties(schemas["Arrival"])
    assert write_rule(Rule(Scope("a"), "1")).keys() == properties(schemas["Rule"])
    assert write_refusal(A_REFUSAL).keys() == properties(schemas["Refusal"])
    row = AuditRow(0, "1", "lk_", "b", "k", "", "", 0, "", "", "", 0, True, 0, "")
    assert audit_routes.write_use(row).keys() == properties(schemas["Use"])
    target = Target("nt_", "", "", "u", (), Signing.HMAC, "", "", Author("1"), 0)
    assert notice_routes.write_target(target, "b").keys() == properties(schemas["Notice"])
    queued = Queued("nt_", "lk_", Waiting("msg_", Told(), 0, 0))
    assert notice_routes.write_queued(queued).keys() == properties(schemas["WaitingNotice"])


def test_the_questions_of_the_audit_are_those_described() -> None:
    assert {parameter["name"] for parameter in OPERATIONS["GET", "uses"]["parameters"]} == audit_routes._PARTS


def test_bounds_are_those_described() -> None:
    schema = OPERATIONS["POST", "links"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert schema["note"]["maxLength"] == LINK_NOTE_MAX_CHARS
    schema = OPERATIONS["POST", "tickets/{id}/arrivals"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["ids"]["maxItems"] == BOX_ANSWERED_MAX
    limit = OPERATIONS["GET", "links"]["parameters"][-1]["schema"]
    assert limit["maximum"] == LINK_PAGE_MAX
