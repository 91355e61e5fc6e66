"""The eight lookups."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response.base import ASGIResponse

from gateway.api import documents
from gateway.api.bodies import (
    CountEmailsBody,
    EnrichCompanyBody,
    EnrichPersonBody,
    FindEmailBody,
    SearchCompaniesBody,
    SearchContactsBody,
    SearchDomainBody,
    VerifyEmailBody,
)
from gateway.api.context import context_of
from gateway.api.decoding import to_body
from gateway.api.documents import responses
from providers import model

Req = Request[Any, Any, Any]
AddressTypeParam = Annotated[model.AddressType | None, QueryParameter(required=False)]


def _lookup(path: str, operation: str, reply: type[Any]) -> post:
    return post(
        path,
        status_code=200,
        operation_id=operation,
        summary=operation,
        responses=responses(
            {200: reply, 202: documents.JobReply},
            (*documents.LOOKUP, *documents.WITH_BODY, *documents.REPEATABLE),
        ),
    )


class Lookups(Controller):
    """One thin handler per operation."""

    tags = ["Lookups"]
    opt = {"scope": "lookup"}

    @_lookup("/v1/emails/find", model.EMAILS_FIND, documents.EmailReply)
    async def find_email(self, request: Req, data: JSONBody[FindEmailBody]) -> ASGIResponse:
        return await context_of(request).exchange.serve(request, model.EMAILS_FIND, data)

    @_lookup("/v1/emails/verify", model.EMAILS_VERIFY, documents.VerificationReply)
    async def verify_email(self, request: Req, data: JSONBody[VerifyEmailBody]) -> ASGIResponse:
        return await context_of(request).exchange.serve(request, model.EMAILS_VERIFY, data)

    @_lookup("/v1/people/enrich", model.PEOPLE_ENRICH, documents.PersonReply)
    async def enrich_person(self, request: Req, data: JSONBody[EnrichPersonBody]) -> ASGIResponse:
        return await context_of(request).exchange.serve(request, model.PEOPLE_ENRICH, data)

    @_lookup("/v1/companies/enrich", model.COMPANIES_ENRICH, documents.CompanyReply)
    async def enrich_company(
        self, request: Req, data: JSONBody[EnrichCompanyBody]
    ) -> ASGIResponse:
        return await context_of(request).exchange.serve(request, model.COMPANIES_ENRICH, data)

    @_lookup("/v1/domains/search", model.DOMAINS_SEARCH, documents.DomainReply)
    async def search_domain(self, request: Req, data: JSONBody[SearchDomainBody]) -> ASGIResponse:
        return await context_of(request).exchange.serve(request, model.DOMAINS_SEARCH, data)

    @_lookup("/v1/emails/count", model.EMAILS_COUNT, documents.CountReply)
    async def count_emails(self, request: Req, data: JSONBody[CountEmailsBody]) -> ASGIResponse:
        return await context_of(request).exchange.serve(request, model.EMAILS_COUNT, data)

    @_lookup("/v1/contacts/search", model.CONTACTS_SEARCH, documents.ContactsReply)
    async def search_contacts(
        self, request: Req, data: JSONBody[SearchContactsBody]
    ) -> ASGIResponse:
        return await context_of(request).exchange.serve(request, model.CONTACTS_SEARCH, data)

    @_lookup("/v1/companies/search", model.COMPANIES_SEARCH, documents.CompaniesReply)
    async def search_companies(
        self, request: Req, data: JSONBody[SearchCompaniesBody]
    ) -> ASGIResponse:
        return await context_of(request).exchange.serve(request, model.COMPANIES_SEARCH, data)

    @get(
        "/v1/domains/{domain:str}/email-count",
        operation_id="emails.count.of",
        summary="emails.count of one domain",
        responses=responses(
            {200: documents.CountReply, 202: documents.JobReply},
            (*documents.LOOKUP, *documents.READ),
        ),
    )
    async def count_emails_of(
        self, request: Req, domain: FromPath[str], address_type: AddressTypeParam = None
    ) -> ASGIResponse:
        body = to_body({"domain": domain, "address_type": address_type}, CountEmailsBody)
        return await context_of(request).exchange.serve(request, model.EMAILS_COUNT, body)
