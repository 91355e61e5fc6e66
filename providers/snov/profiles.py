"""Snov.io's persons, by address and by profile.

By profile as by name: what was never pushed is never found, and reading is free.
"""

from __future__ import annotations

from providers.base import decode
from providers.errors import Unavailable
from providers.model import Answer, EnrichPerson, FindEmail, Ticket
from providers.snov.account import SnovAccount, is_miss
from providers.snov.facts import to_person, to_profile_email
from providers.snov.wire import Accepted, Profile, Prospect, ProspectReply

# No word tells "not yet" from "never" after a push: assumed is a miss after this many reads, which
# is some two minutes. The account option `profile_reads` says otherwise.
READS = "20"


class Profiles(SnovAccount):
    async def read_person(self, query: EnrichPerson) -> Answer | None:
        if query.email:
            return None
        found, body = await self._read_profile(query.linkedin_url)
        return Answer(data=to_person(found), units=0, raw=body) if found else None

    async def enrich_person(self, query: EnrichPerson) -> Answer | Ticket:
        if not query.email:
            return await self.push_profile(query)
        path, form = "/v1/get-profile-by-email", {"email": query.email}
        reply = await self.send("POST", path, form=form)
        if is_miss(reply.body):
            return Answer(data=None, units=0, raw=reply.body)
        person = to_person(decode(reply.body, Profile), email=query.email)
        return Answer(data=person, raw=reply.body)

    async def collect_person(self, query: EnrichPerson, ticket: Ticket) -> Answer | Ticket:
        found, body = await self._read_profile(query.linkedin_url)
        if found is None:
            return self._wait_on(ticket, body)
        return Answer(data=to_person(found), raw=body)

    async def read_owner(self, query: FindEmail) -> Answer | None:
        found, body = await self._read_profile(query.linkedin_url)
        return Answer(data=to_profile_email(found), units=0, raw=body) if found else None

    async def push_profile(self, query: FindEmail | EnrichPerson) -> Ticket:
        path, form = "/v1/add-url-for-search", {"url": query.linkedin_url}
        reply = await self.call("POST", path, Accepted, form=form)
        if not reply.value.success:
            raise Unavailable("the profile was not queued")
        return Ticket(state={"reads": "0"})

    async def collect_owner(self, query: FindEmail, ticket: Ticket) -> Answer | Ticket:
        found, body = await self._read_profile(query.linkedin_url)
        if found is None:
            return self._wait_on(ticket, body)
        return Answer(data=to_profile_email(found), raw=body)

    async def _read_profile(self, url: str | None) -> tuple[Prospect | None, bytes]:
        reply = await self.send("POST", "/v1/get-emails-from-url", form={"url": url})
        if is_miss(reply.body):
            return None, reply.body
        found = decode(reply.body, ProspectReply).data
        if isinstance(found, Prospect):
            return found, reply.body
        return (found[0] if found else None), reply.body

    def _wait_on(self, ticket: Ticket, body: bytes) -> Answer | Ticket:
        reads = int(ticket.state["reads"]) + 1
        if reads >= int(self.account.options.get("profile_reads", READS)):
            return Answer(data=None, raw=body)
        return Ticket(state={"reads": str(reads)})
