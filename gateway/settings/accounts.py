"""What can be configured of each provider, from what its adapter declares of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.settings import rules
from gateway.settings.rules import Rule
from providers.options import Form, Option
from providers.registry import ADAPTERS

BASE_URLS: Mapping[str, str] = {name: adapter.base_url for name, adapter in ADAPTERS.items()}
PROVIDERS = tuple(ADAPTERS)


def secret_keys(provider: str) -> dict[str, str]:
    """The member of the secret, by the key that the configuration has for it."""
    adapter = ADAPTERS[provider]
    return {adapter.configured_as.get(name, name): name for name in adapter.secret_fields}


def variable_of(provider: str, key: str) -> str:
    return f"{provider}_{key}".upper()


def variables_of(provider: str) -> list[tuple[str, str, str]]:
    """Key, meaning and default of all that an environment can say of a provider."""
    title, keys = ADAPTERS[provider].title, [*secret_keys(provider)]
    found = [(key, f"{title} credential{_with(provider, keys, key)}", "unset") for key in keys]
    return [*found, ("base_url", f"{title} API root", BASE_URLS[provider])]


def _with(provider: str, keys: Sequence[str], key: str) -> str:
    others = [variable_of(provider, other) for other in keys if other != key]
    return f", with {' + '.join(others)}" if others else ""


def unpaired(provider: str, given: Mapping[str, object]) -> list[tuple[str, str]]:
    """Variables that are missing, each with one that is there and useless alone."""
    there = [key for key in secret_keys(provider) if key in given]
    absent = [key for key in secret_keys(provider) if key not in given]
    pairs = [(key, there[0]) for key in absent if there]
    return [(variable_of(provider, one), variable_of(provider, other)) for one, other in pairs]


def option_rules(provider: str) -> dict[str, Rule]:
    return {name: _rule(option) for name, option in ADAPTERS[provider].options.items()}


def _rule(option: Option) -> Rule:
    forms: Mapping[Form, Rule] = {
        "flag": rules.flag(),
        "words": rules.names(),
        "path": rules.url_path(),
        "field": rules.field_path(),
        "url": rules.web_url(),
    }
    if option.form == "choice":
        return rules.choice(*option.allowed)
    if option.form == "number":
        low, high = map(int, option.allowed)
        return rules.as_text(rules.whole_number(low, high))
    return forms[option.form]
