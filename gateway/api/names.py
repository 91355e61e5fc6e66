"""Names that administrators give: readable, and each once."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.api.context import Context
from gateway.api.problems import Problem, invalid
from gateway.vault.credentials import Credential
from gateway.vault.roster import Team

# What credentials of the environment and the TOML file are called.
RESERVED = "env"


def check_text(name: str) -> None:
    """Raises Problem (422) for a name that can't be shown."""
    if not name.isprintable() or not name.strip():
        raise invalid("/name", "must be printable text, without control characters")


async def check_team(context: Context, team: Team) -> None:
    """Raises Problem: 422 for what can't be shown, 409 for what another team is called."""
    check_text(team.name)
    others = await context.roster.teams()
    if any(other.name == team.name and other.id != team.id for other in others):
        raise Problem("conflict", "There is a team of this name already.")


async def check_credential(context: Context, credential: Credential) -> None:
    """Raises Problem: 422 for what can't be shown, 409 for what another is called."""
    check_text(credential.name)
    if credential.name == RESERVED:
        raise Problem("conflict", "The name `env` is that of the configuration's credentials.")
    taken = await context.kept.named(credential.provider, credential.name)
    if taken - {credential.id}:
        raise Problem("conflict", "The provider has a credential of this name already.")


async def check_teams(context: Context, ids: Iterable[str]) -> None:
    """Raises Problem (422) for an id that is no team's."""
    known = {team.id for team in await context.roster.teams()}
    for at, name in enumerate(ids):
        if name not in known:
            raise invalid(f"/team_ids/{at}", "is not the id of a team")
