"""Those of a simulated domain whose addresses are all made alike."""

from __future__ import annotations

from providers.simulator.knowledge import Known
from providers.simulator.population import Person
from tests.gateway.lookup.scene import Scene, outcome

SURE = "olive-delta.example"
# Fewer of a domain's addresses make no pattern that is worth the price of trying it.
TAUGHT = 3


def staff(scene: Scene, domain: str = SURE, *, there: bool = True) -> list[Person]:
    """Those of a domain with plain names; `there` is whether they have a mailbox."""
    return [
        person
        for person in scene.simulator.world.people
        if person.company.domain == domain
        and person.full_name.isascii()
        and person.full_name.count(" ") == 1
        and person.has_mailbox == there
        and not person.claimed
    ]


def known_to(scene: Scene, person: Person, *providers: str) -> Person:
    known = Known(
        email=person.email,
        claim="valid",
        confidence=95,
        stale=False,
        personal=True,
        prompt=True,
    )
    scene.simulator.world.knowledge[person.id] = dict.fromkeys(providers, known)
    return person


async def taught(scene: Scene, domain: str = SURE, count: int = TAUGHT) -> list[Person]:
    """Those left of a domain of whom some were bought."""
    people = staff(scene, domain)
    for person in people[:count]:
        assert outcome(await scene.find(known_to(scene, person, "hunter"))) == "accepted"
    return [known_to(scene, person, "hunter", "snov") for person in people[count:]]
