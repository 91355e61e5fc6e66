"""Which answers this process has seen kept of late: where one is, nobody need plan to find it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

SIZE = 16_384


class Lately:
    """A hint: if it is wrong, a lookup takes one more turn to the store, or plans in vain."""

    def __init__(self, size: int = SIZE) -> None:
        self._slots: OrderedDict[str, None] = OrderedDict()
        self._size = size

    def note(self, slot: str) -> None:
        self._slots[slot] = None
        self._slots.move_to_end(slot)
        if len(self._slots) > self._size:
            self._slots.popitem(last=False)

    def knows(self, slots: Iterable[str]) -> bool:
        """Whether any of them was kept."""
        return any(slot in self._slots for slot in slots)
