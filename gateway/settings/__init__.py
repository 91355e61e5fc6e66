"""The configuration: read once at start, checked as a whole, never changed after."""

from gateway.settings.accounts import PROVIDERS
from gateway.settings.loader import load_settings
from gateway.settings.model import (
    BudgetSettings,
    EdgeSettings,
    ProviderSettings,
    RetentionSettings,
    RouteSettings,
    Settings,
    WebhookSettings,
)
from gateway.settings.problems import SettingsError
from gateway.settings.schema import variables
from gateway.settings.secret import Secret

__all__ = [
    "PROVIDERS",
    "BudgetSettings",
    "EdgeSettings",
    "ProviderSettings",
    "RetentionSettings",
    "RouteSettings",
    "Secret",
    "Settings",
    "SettingsError",
    "WebhookSettings",
    "load_settings",
    "variables",
]
