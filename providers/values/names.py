"""Names of persons, whole and in parts."""

from __future__ import annotations

# They belong to the family name that follows them.
_PARTICLES = """
af al ap av bin da das de del della den der di do dos du el ibn la le lo mac mc st ten ter van vom
von zu zum zur
"""
PARTICLES = frozenset(_PARTICLES.split())


def join_name(first: str | None, last: str | None) -> str | None:
    return " ".join(part for part in (first, last) if part) or None


def split_name(full: str | None) -> tuple[str, str] | None:
    """First and last name where that is certain: two words, or particles between them.

    "Ana García López" is not: the second word may be a middle or a family name, and a wrong
    guess is paid for.
    """
    words = (full or "").split()
    if len(words) < 2 or not all(word.lower() in PARTICLES for word in words[1:-1]):
        return None
    return words[0], " ".join(words[1:])
