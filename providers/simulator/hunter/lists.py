"""Hunter's leads lists and custom attributes."""

from __future__ import annotations

from providers.simulator.dialect import Call, Handlers, Section
from providers.simulator.hunter.book import Attribute, Book, LeadsList
from providers.simulator.hunter.leads import AT_ONCE, to_lead
from providers.simulator.hunter.replies import bounds, invalid, lost, number_of, stamp
from providers.simulator.wire import NO_CONTENT, Fields, Reply, Request, reply

LATER = Reply(202, headers=())


class Lists(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /leads_lists": self._list,
            "POST /leads_lists": self._create,
            "GET /leads_lists/{id}": self._show,
            "PUT /leads_lists/{id}": self._rename,
            "DELETE /leads_lists/{id}": self._delete,
            "GET /leads_custom_attributes": self._list_attributes,
            "POST /leads_custom_attributes": self._create_attribute,
            "GET /leads_custom_attributes/{id}": self._show_attribute,
            "PUT /leads_custom_attributes/{id}": self._rename_attribute,
            "DELETE /leads_custom_attributes/{id}": self._delete_attribute,
        }

    def _book(self, call: Call) -> Book:
        return self.stage.book(call.account, lambda: Book(self.world))

    def _list(self, call: Call) -> Reply:
        book = self._book(call)
        limit, offset = bounds(call.request)
        lists = sorted(book.lists.values(), key=lambda made: -made.id)[offset : offset + limit]
        meta = {"total": len(book.lists), "params": {"limit": limit, "offset": offset}}
        data = {"leads_lists": [_to_list(book, made) for made in lists]}
        return reply(200, {"data": data, "meta": meta})

    def _of(self, call: Call) -> LeadsList:
        made = self._book(call).lists.get(number_of(call.request))
        if made is None:
            raise lost("Leads list")
        return made

    def _show(self, call: Call) -> Reply:
        book, made = self._book(call), self._of(call)
        limit, offset = bounds(call.request)
        leads = book.leads_in(made.id)[offset : offset + limit]
        shown = [to_lead(book, lead, in_list=made.id) for lead in leads]
        params = {"limit": limit, "offset": offset, "leads_list_id": made.id}
        data = {**_to_list(book, made), "leads": shown}
        return reply(200, {"data": data, "meta": {"params": params}})

    def _create(self, call: Call) -> Reply:
        book = self._book(call)
        made = book.add_list(_required(call.request, "name"))
        return reply(201, {"data": _to_list(book, made)})

    def _rename(self, call: Call) -> Reply:
        self._of(call).name = _required(call.request, "name")
        return NO_CONTENT

    def _delete(self, call: Call) -> Reply:
        """Its leads stay, in no list."""
        book, made = self._book(call), self._of(call)
        leads = book.leads_in(made.id)
        for lead in leads:
            book.file(lead, [number for number in lead.list_ids if number != made.id])
        del book.lists[made.id]
        return LATER if len(leads) > AT_ONCE else NO_CONTENT

    def _list_attributes(self, call: Call) -> Reply:
        attributes = sorted(self._book(call).attributes.values(), key=lambda made: -made.id)
        data = {"leads_custom_attributes": [_to_attribute(made) for made in attributes]}
        return reply(200, {"data": data, "meta": {"total": len(attributes)}})

    def _attribute(self, call: Call) -> Attribute:
        made = self._book(call).attributes.get(number_of(call.request))
        if made is None:
            raise lost("Custom attribute")
        return made

    def _show_attribute(self, call: Call) -> Reply:
        return reply(200, {"data": _to_attribute(self._attribute(call))})

    def _create_attribute(self, call: Call) -> Reply:
        made = self._book(call).add_attribute(self._label(call))
        return reply(201, {"data": _to_attribute(made)})

    def _rename_attribute(self, call: Call) -> Reply:
        """The slug stays what it was."""
        self._attribute(call).label = self._label(call)
        return NO_CONTENT

    def _label(self, call: Call) -> str:
        label = _required(call.request, "label")
        taken = {made.label.casefold() for made in self._book(call).attributes.values()}
        if label.casefold() in taken:
            raise invalid("Label has already been taken.")
        return label

    def _delete_attribute(self, call: Call) -> Reply:
        book, made = self._book(call), self._attribute(call)
        for lead in book.leads.values():
            lead.custom.pop(made.slug, None)
        del book.attributes[made.id]
        return NO_CONTENT


def _required(request: Request, name: str) -> str:
    value = request.text(name)
    if not value:
        raise invalid(f"{name.capitalize()} can't be blank.", "empty_required_field")
    return value


def _to_list(book: Book, made: LeadsList) -> Fields:
    return {
        "id": made.id,
        "name": made.name,
        "leads_count": book.sizes[made.id],
        "created_at": stamp(made.created),
    }


def _to_attribute(made: Attribute) -> Fields:
    return {"id": made.id, "label": made.label, "slug": made.slug}
