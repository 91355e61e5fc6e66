"""What can be configured of a provider is what its adapter declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import PROVIDERS, Settings, SettingsError, load_settings
from gateway.settings.accounts import secret_keys
from gateway.supervisor.banner import banner
from gateway.supervisor.preparation import simulated_secret
from providers.registry import ADAPTERS
from tests.gateway.conftest import SECRETS


def options(tmp_path: Path, provider: str, text: str) -> dict[str, str]:
    path = tmp_path / "gateway.toml"
    path.write_text(f"[providers.{provider}.options]\n{text}\n")
    return dict(load_settings(path, {}).providers[provider].options)


@pytest.mark.parametrize(
    "provider, text, read",
    [
        ("hunter", "page_size = 10", {"page_size": "10"}),
        ("snov", 'finder = "V2"', {"finder": "v2"}),
        ("snov", "profile_reads = 3", {"profile_reads": "3"}),
        ("snov", 'plan = "Pro-5K"', {"plan": "pro-5k"}),
        ("snov", 'webhook_url = "https://a.example/h/"', {"webhook_url": "https://a.example/h"}),
        ("sixtyfour", "verify_emails = true", {"verify_emails": "true"}),
        ("sixtyfour", "verify_emails = 0", {"verify_emails": "false"}),
        ("sixtyfour", 'providers = ["b-c", "A"]', {"providers": "b-c,A"}),
        ("sixtyfour", 'providers = "b, a"', {"providers": "b,a"}),
        (
            "sixtyfour",
            'webhook_url = "https://gateway.example/hooks/sixtyfour/t"',
            {"webhook_url": "https://gateway.example/hooks/sixtyfour/t"},
        ),
        ("letrics", 'contacts.path = "/people"', {"contacts.path": "/people"}),
        (
            "letrics",
            'filter.has_personal_email = "has_personal_email"',
            {"filter.has_personal_email": "has_personal_email"},
        ),
    ],
)
def test_an_option_reaches_the_account_as_text(
    tmp_path: Path, provider: str, text: str, read: dict[str, str]
) -> None:
    assert options(tmp_path, provider, text) == read


@pytest.mark.parametrize(
    "provider, text, expected",
    [
        ("hunter", "page_size = 0", "a whole number from 1 to 100"),
        ("hunter", "page_size = 101", "a whole number from 1 to 100"),
        ("snov", 'finder = "v3"', "one of v1, v2"),
        ("snov", 'plan = "free"', "one of starter, pro-5k, pro-20k, pro-50k, pro-100k"),
        ("sixtyfour", 'verify_emails = "often"', "true or false"),
        ("sixtyfour", 'providers = "a,a"', "none twice"),
        ("sixtyfour", "providers = []", "names"),
        ("sixtyfour", 'webhook_url = "gateway"', "https://"),
        ("letrics", 'contacts.path = "people"', "a path"),
        ("hunter", "size = 1", "unknown key"),
    ],
)
def test_a_wrong_option_is_refused_by_name(
    tmp_path: Path, provider: str, text: str, expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        options(tmp_path, provider, text)
    assert f"providers.{provider}.options" in str(caught.value)
    assert expected in str(caught.value)


def test_half_a_credential_is_refused_with_the_variable_that_is_missing() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {"SNOV_CLIENT_ID": "one"})
    assert "SNOV_CLIENT_SECRET: required with SNOV_CLIENT_ID" in str(caught.value)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_sandbox_signs_in_with_the_simulators_own_accounts(provider: str) -> None:
    secret = simulated_secret(provider) or {}
    assert {name: one.reveal() for name, one in secret.items()} == SECRETS[provider]
    assert set(secret_keys(provider).values()) == set(ADAPTERS[provider].secret_fields)


def test_a_provider_that_is_not_simulated_has_no_account_in_the_sandbox() -> None:
    assert simulated_secret("acme") is None


def test_the_banner_names_every_variable(tmp_path: Path) -> None:
    told = banner(Settings(data_dir=tmp_path, sandbox=True), "127.0.0.1", 8080)
    assert "all four providers are simulated" in told
    assert (
        "Set HUNTER_API_KEY, SNOV_CLIENT_ID + SNOV_CLIENT_SECRET, SIXTYFOUR_API_KEY or "
        "LETRICS_API_TOKEN for real ones."
    ) in told
