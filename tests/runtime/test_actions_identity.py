"""Users, actors, agents and their attributes."""

from __future__ import annotations

from typing import Any

import pytest

from skillrt import actions
from skillrt.errors import ActionError
from skillrt.kinds import as_ids, as_json
from skillrt.model import Actor, Persona
from skillrt.values import UNDEFINED, Record, get, stored, text

from .conftest import World

pytestmark = pytest.mark.anyio


async def test_get_user(world: World) -> None:
    user = await world.do("GetUser")
    assert user == "Sue"
    assert isinstance(user, Record)
    assert (get(user, "id"), get(user, "email")) == ("sue", "sue@example.org")
    assert list(user.fields) == [
        *("id", "name", "title", "description", "type", "email", "phone", "language", "timezone")
    ]
    assert await world.do("GetUser", field="id") == "sue"
    assert await world.do("GetUser", field=" type ") == "user"
    assert await world.do("GetUser", field="phone") == ""
    assert await world.do("GetUser", field="", personaId=None) == "Sue"
    assert as_json(user, "GetUser.field") == user.fields


async def test_get_user_reads_an_attribute_by_any_other_name(world: World) -> None:
    assert await world.do("GetUser", field="diet") == ""
    await world.do("SetPersonaAttribute", id="sue", field="diet", value="vegan")
    assert await world.do("GetUser", field="diet") == "vegan"


@pytest.mark.parametrize("id", ["", " ", UNDEFINED, "nobody"])
async def test_get_user_finds_nobody(world: World, id: Any) -> None:
    assert await world.do("GetUser", personaId=id) == ""
    assert await world.do("GetUser", personaId=id, field="name") == ""


async def test_get_user_sees_others_and_what_changed(world: World) -> None:
    await world.store.put_persona(Persona(id="bob", name="Bob"))
    assert await world.do("GetUser", personaId="bob") == "Bob"
    assert await world.do("GetUser", persona_id="mia", field="type") == "agent"
    await world.store.put_persona(Persona(id="sue", name="Susan"))
    assert await world.do("GetUser") == "Susan"
    world.make_global()
    assert await world.do("GetUser") == ""
    assert await world.do("GetUser", field="id") == ""


async def test_get_user_refuses(world: World) -> None:
    with pytest.raises(ActionError) as caught:
        await world.do("GetUser", personaId=["a", "b"])
    assert str(caught.value) == "GetUser: parameter 'personaId': expected an id, got a list"


async def test_get_actor(world: World) -> None:
    actor = await world.do("GetActor")
    assert actor == "Susan's chat"
    assert get(actor, "externalId") == "+1"
    assert await world.do("GetActor", field="integrationIdn") == "sandbox"
    assert await world.do("GetActor", id="a2", field="timeZone") == "America/Los_Angeles"
    assert await world.do("GetActor", id=actor, field="personaId") == "sue"
    assert await world.do("GetActor", id=[actor], field="id") == "a1"
    assert await world.do("GetActor", field="nope") == ""
    for unknown in ("", " ", UNDEFINED, "nobody"):
        assert await world.do("GetActor", id=unknown) == ""
    world.make_global()
    assert await world.do("GetActor") == ""


async def test_get_actors(world: World) -> None:
    await world.store.put_persona(Persona(id="bob", name="Bob"))
    await world.store.put_actor(Actor(id="b1", persona_id="bob", external_id="+2", name="Bob"))
    await world.store.put_actor(Actor(id="m1", persona_id="mia", external_id="agent"))
    everybody = {"integrationIdn": "sandbox"}
    assert text(await world.do("GetActors")) == "a1 a2"
    assert text(await world.do("GetActors", **everybody)) == "a1 b1"
    assert text(await world.do("GetActors", **everybody, personaId="sue")) == "a1"
    assert text(await world.do("GetActors", **everybody, personaId="mia")) == "m1"
    assert text(await world.do("GetActors", externalId="+1")) == "a1 a2"
    assert text(await world.do("GetActors", connectorIdn="sms")) == "a2"
    assert text(await world.do("GetActors", timeZone="America/Los_Angeles")) == "a2"
    assert text(await world.do("GetActors", **everybody, field="name")) == "Susan's chat Bob"
    both = await world.do("GetActors", **everybody, fields=["name", "externalId"])
    assert text(both) == "Susan's chat\n+1\nBob\n+2"
    assert get(both[1], "id") == "b1"
    assert as_ids(both, "SendMessage.actorIds", None) == ["a1", "b1"]
    assert stored(both) == text(both)
    world.make_global()
    assert text(await world.do("GetActors")) == "a1 a2 b1"


@pytest.mark.parametrize(
    "filter_", ["personaId", "externalId", "integrationIdn", "connectorIdn", "timeZone"]
)
async def test_get_actors_never_widens_a_blank_filter(world: World, filter_: str) -> None:
    for blank in ("", " ", UNDEFINED):
        found = await world.do("GetActors", **{filter_: blank})
        assert found == []
        assert actions.is_empty(found) == "t"
    assert text(await world.do("GetActors", **{filter_: None})) == "a1 a2"


async def test_get_actors_finds_nobody_and_refuses(world: World) -> None:
    assert await world.do("GetActors", externalId="nobody") == []
    with pytest.raises(ActionError) as caught:
        await world.do("GetActors", timeZone="Mars/Base")
    assert str(caught.value) == (
        "GetActors: parameter 'timeZone': expected a time zone, got 'Mars/Base'"
    )


async def test_create_persona(world: World) -> None:
    ann = await world.do("CreatePersona", name="Ann")
    assert get(ann, "id") == ann
    assert await world.do("GetUser", personaId=ann) == "Ann"
    for blank in ("", " ", None):
        assert get(await world.do("CreatePersona", name=blank), "name") == "User"
    assert get(await world.do("CreatePersona"), "type") == "user"


async def test_create_actor_makes_one_actor_of_an_address(world: World) -> None:
    address = {"integrationIdn": "sms", "connectorIdn": "line", "externalId": "+7"}
    made = await world.do("CreateActor", **address, personaId="sue", vip=True)
    assert get(made, "id") == made
    assert get(made, "name") == "+7"
    assert get(made, "vip") == "True"
    again = await world.do(
        "CreateActor", **address, personaId="sue", timeZone="UTC", name="Line", tags=["a"]
    )
    assert again == made
    assert await world.do("GetActor", id=made) == "Line"
    assert await world.do("GetActor", id=made, field="timeZone") == "UTC"
    assert await world.do("GetActor", id=made, field="vip") == "True"
    assert await world.do("GetActor", id=made, field="tags") == '["a"]'
    third = await world.do("CreateActor", **address, personaId="sue", timeZone="")
    assert get(third, "timeZone") == "UTC"
    assert get(third, "name") == "Line"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"personaId": "nobody"}, "parameter 'personaId': unknown persona 'nobody'"),
        ({"personaId": ""}, "parameter 'personaId': expected an id, got nothing"),
        ({"personaId": "mia", "externalId": "+1"}, "actor exists for another persona"),
        ({"externalId": ""}, "parameter 'externalId': expected a name, got nothing"),
        ({"timeZone": "Moon"}, "parameter 'timeZone': expected a time zone, got 'Moon'"),
    ],
)
async def test_create_actor_refuses(world: World, changes: dict[str, Any], message: str) -> None:
    given = {
        "integrationIdn": "sandbox",
        "connectorIdn": "sandbox",
        "externalId": "+9",
        "personaId": "sue",
    }
    with pytest.raises(ActionError) as caught:
        await world.do("CreateActor", **(given | changes))
    assert str(caught.value) == f"CreateActor: {message}"


async def test_get_agent(world: World) -> None:
    agent = await world.do("GetAgent")
    assert agent == "Mia"
    assert get(agent, "agentId") == "agent-mia"
    assert await world.do("GetAgent", field="id") == "mia"
    assert await world.do("GetAgent", idn="Host", field="personaId") == "mia"
    assert await world.do("GetAgent", field="title") == "Host of the house"
    assert await world.do("GetAgent", field="description") == "Friendly"
    assert await world.do("GetAgent", field="idn") == "Host"
    assert await world.do("GetAgent", field="nope") == ""
    assert await world.do("GetAgent", idn="Other") == ""
    with pytest.raises(ActionError, match=r"^GetAgent: parameter 'field': expected a name, got 5$"):
        await world.do("GetAgent", field=5)


async def test_get_agent_persona(world: World) -> None:
    persona = await world.do("GetAgentPersona")
    assert persona == "Mia"
    assert get(persona, "id") == await world.do("GetAgent", field="id")
    assert await world.do("GetAgentPersona", field="description") == "Friendly"
    assert await world.do("GetAgentPersona", field="email") == ""


async def test_persona_attributes(world: World) -> None:
    user = await world.do("GetUser")
    assert await world.do("GetPersonaAttribute", id=user, field="dining_preferences") == ""
    for value, kept in (("x", "x"), (True, "True"), ({"a": 1}, '{"a":1}'), (None, "")):
        assert await world.do("SetPersonaAttribute", id=user, field="k", value=value) == ""
        assert await world.do("GetPersonaAttribute", personaId="sue", field="k") == kept
    await world.do("SetPersonaAttribute", personaId="mia", field="k", value="agent's")
    assert await world.do("GetPersonaAttribute", id="mia", field="k") == "agent's"
    for blank in ("", None, UNDEFINED, "nobody"):
        assert await world.do("GetPersonaAttribute", id=blank, field="k") == ""


async def test_persona_attributes_are_no_way_to_others(world: World) -> None:
    await world.do("SetCustomerAttribute", field="k", value="customer's")
    assert await world.do("GetPersonaAttribute", id="/CUSTOMER", field="k") == ""


async def test_deleted_persona_attributes_are_gone(world: World) -> None:
    for id in ("sue", "mia"):
        await world.do("SetPersonaAttribute", id=id, field="k", value="v")
    for _ in range(2):
        assert await world.do("DeletePersonaAttribute", personaId="sue", field="k") == ""
    assert await world.do("GetPersonaAttribute", id="sue", field="k") == ""
    assert await world.do("GetPersonaAttribute", id="mia", field="k") == "v"
    with pytest.raises(ActionError, match="parameter 'id': unknown persona 'nobody'"):
        await world.do("DeletePersonaAttribute", id="nobody", field="k")


@pytest.mark.parametrize("whose", ["Customer", "Project"])
async def test_attributes_that_are_nobodys_alone(world: World, whose: str) -> None:
    get_it, set_it = f"Get{whose}Attribute", f"Set{whose}Attribute"
    assert await world.do(get_it, field="open") == ""
    for value, kept in ((True, "True"), ({"a": 1}, '{"a":1}'), ("project_attributes_x", None)):
        assert await world.do(set_it, field=" open ", value=value) == ""
        assert await world.do(get_it, field="open") == (kept or value)
    world.ctx.project = "another"
    shared = "project_attributes_x" if whose == "Customer" else ""
    assert await world.do(get_it, field="open") == shared
    with pytest.raises(ActionError, match="parameter 'field': expected a name, got nothing"):
        await world.do(set_it, field=" ", value=1)


async def test_deleted_customer_attributes_are_gone(world: World) -> None:
    for field in ("a", "b"):
        await world.do("SetCustomerAttribute", field=field, value=field)
    for _ in range(2):
        assert await world.do("DeleteCustomerAttribute", field="a") == ""
    assert await world.do("GetCustomerAttribute", field="a") == ""
    assert await world.do("GetCustomerAttribute", field="b") == "b"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"id": "", "field": "k"}, "parameter 'id': expected an id, got nothing"),
        ({"id": "nobody", "field": "k"}, "parameter 'id': unknown persona 'nobody'"),
        ({"id": "sue", "field": ""}, "parameter 'field': expected a name, got nothing"),
    ],
)
async def test_set_persona_attribute_refuses(
    world: World, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ActionError) as caught:
        await world.do("SetPersonaAttribute", **arguments, value="v")
    assert str(caught.value) == f"SetPersonaAttribute: {message}"
