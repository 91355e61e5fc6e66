"""What a person does: seniorities and departments of all providers in the words of Hunter's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from providers.model import Department, Seniority

# Providers publish few of their words; these are what prospecting services commonly use.
_SENIORITIES: Mapping[Seniority, str] = {
    "junior": """
        junior, jr, entry, entry level, intern, internship, trainee, graduate, student, assistant,
        associate, staff, unpaid
    """,
    "senior": """
        senior, sr, senior level, mid senior, mid senior level, experienced, lead, team lead,
        principal, specialist, expert, manager, management, head, head of department, director
    """,
    "executive": """
        executive, exec, c level, c suite, cxo, chief, vp, svp, evp, vice president, president,
        founder, co founder, cofounder, owner, partner, board, board member, managing director,
        ceo, cfo, coo, cto, cmo, cio
    """,
}
_DEPARTMENTS: Mapping[Department, str] = {
    "executive": "executive, executives, c level, c suite, leadership, founder, founders, board",
    "it": """
        it, information technology, technology, technical, engineering, software, security,
        engineering and technical, software engineering, software development, development, data,
        data science, devops, information security
    """,
    "finance": "finance, financial, accounting, finance and accounting, treasury, audit",
    "management": """
        management, general management, project management, program management, product, product
        management
    """,
    "sales": "sales, business development, account management, revenue",
    "legal": "legal, law, compliance, legal and compliance",
    "support": """
        support, customer support, customer service, customer success, customer experience,
        technical support, help desk
    """,
    "hr": """
        hr, human resources, people, people operations, recruiting, recruitment, recruiter, talent,
        talent acquisition
    """,
    "marketing": "marketing, product marketing, advertising, growth, content, brand, seo",
    "communication": """
        communication, communications, public relations, pr, media, media and communication,
        corporate communications
    """,
    "education": "education, teaching, training, academia, academic",
    "design": "design, ux, ui, creative, arts and design, product design, art",
    "health": "health, healthcare, medical, medical and health, healthcare services",
    "operations": """
        operations, ops, business operations, logistics, supply chain, procurement, purchasing,
        administration, administrative, manufacturing, production, facilities
    """,
}
_BREAKS = re.compile(r"[\s_/-]+")


def fold_word(word: str) -> str:
    """`C-Suite`, `c_suite` and `C Suite` are one."""
    return _BREAKS.sub(" ", word.replace("&", " and ").replace(".", "")).strip().lower()


def _table(words: Mapping[Any, str]) -> dict[str, Any]:
    return {
        fold_word(word): ours for ours, several in words.items() for word in several.split(",")
    }


def _find(table: Mapping[str, Any], word: str) -> Any:
    return table.get(fold_word(word))


find_seniority = partial(_find, _table(_SENIORITIES))
find_department = partial(_find, _table(_DEPARTMENTS))
