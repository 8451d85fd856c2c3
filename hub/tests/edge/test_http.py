"""HTTP through the edge: what passes, what is dropped, and where it goes."""

from edge_world import World


async def test_the_owner_of_a_session_reaches_it(world: World) -> None:
    ada = await world.person("ada")
    session = await world.session("ada")
    response = await world.client(cookie=ada).get(f"/s/{session.id}/api/status?x=1")
    assert response.status_code == 200
    assert response.json()["path"] == f"/s/{session.id}/api/status"
    assert response.json()["query"] == "x=1"
