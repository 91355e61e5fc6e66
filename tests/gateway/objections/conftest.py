"""The scenes of the lookups, for what persons object to."""

from __future__ import annotations

from tests.gateway.lookup.conftest import audited, scene, start_scene

__all__ = ["audited", "scene", "start_scene"]
