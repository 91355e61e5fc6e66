"""A wrong value stops the start, with the key, the value and what is allowed."""

import os
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.settings import Secret, Settings, SettingsError, load_settings

KEY_A = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
KEY_B = "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8"


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def load_env(toml: Path, **environ: str) -> Settings:
    toml.write_text("")
    return load_settings(toml, environ)


def load_toml(toml: Path, text: str) -> Settings:
    toml.write_text(text)
    return load_settings(toml, {})


def problems_of_env(toml: Path, **environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_env(toml, **environ)
    return caught.value.problems


def problems_of_toml(toml: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_toml(toml, text)
    return tuple(problem.replace(str(toml), "gateway.toml") for problem in caught.value.problems)


WRONG_IN_ENVIRONMENT = {
    "GATEWAY_STORE_URL": ["http://h", "redis://", "unix://", "redis://a,b", "redis://h/x", "h:1"],
    "GATEWAY_STORE_TIMEOUT_MS": ["abc", "0", "60001", "2.5", "-1", "0x10"],
    "GATEWAY_STORE_ACCEPT_RISK": ["fsink", "fsync,fsync", ","],
    "GATEWAY_DATA_DIR": ["~no-such-user-at-all/x"],
    "GATEWAY_SANDBOX": ["2", "maybe"],
    "GATEWAY_PUBLIC_URL": ["gateway.example", "ftp://h", "http://h/?q=1", "http://h#f", "http://"],
    "GATEWAY_CURRENCY": ["usd", "DOLLAR", "$"],
    "GATEWAY_TIMEZONE": ["Europe/Berln", "Europe", "../etc/passwd", "CET-1"],
    "GATEWAY_LOG_LEVEL": ["loud", "10"],
    "GATEWAY_LOG_FORMAT": ["xml"],
    "GATEWAY_WEBHOOK_ALLOW_CIDRS": ["10.0.0.1/8", "10.0.0.0/33", "intranet"],
    "GATEWAY_TEST_CLOCK": ["later"],
    "HUNTER_BASE_URL": ["api.hunter.io", "https://h:99999", "https://h/v2?x=1", "https://h /v2"],
    "LETRICS_BASE_URL": ["//h", "https://[::1/"],
}


@pytest.mark.parametrize(
    "name,value",
    [(name, value) for name, values in WRONG_IN_ENVIRONMENT.items() for value in values],
)
def test_a_wrong_variable_is_named_with_its_value_and_what_is_allowed(
    toml: Path, name: str, value: str
) -> None:
    extra = {"GATEWAY_MASTER_KEY": KEY_A} if name == "GATEWAY_STORE_URL" else {}
    (problem,) = problems_of_env(toml, **{name: value}, **extra)
    assert problem.startswith(f"{name} = '")
    assert value.partition("?")[0].partition("#")[0] in problem
    assert "(environment): expected " in problem


WRONG_IN_TOML = [
    ("store_timeout_ms = 'abc'", "store_timeout_ms = 'abc'", "a whole number from 1 to 60000"),
    ("store_timeout_ms = '250'", "store_timeout_ms = '250'", "a whole number from 1 to 60000"),
    ("store_timeout_ms = true", "store_timeout_ms = True", "a whole number"),
    ("store_timeout_ms = 2.0", "store_timeout_ms = 2.0", "a whole number"),
    ("store_accept_risk = 7", "store_accept_risk = 7", "fsync, eviction"),
    ("data_dir = 7", "data_dir = 7", "directory"),
    ("sandbox = 7", "sandbox = 7", "1 or 0"),
    ("currency = 7", "currency = 7", "ISO 4217"),
    ("log_level = ['info']", "log_level = ['info']", "one of debug"),
    ("timezone = {a = 1}", "timezone = a table", "time zone"),
    ("[cache]\nscope = 'all'", "cache.scope = 'all'", "shared, team"),
    ("[retention]\nidempotency_hours = 23", "retention.idempotency_hours = 23", "from 24"),
    ("[retention]\nledger_days = 0", "retention.ledger_days = 0", "from 1"),
    ("[edge]\nmax_json_depth = 1000", "edge.max_json_depth = 1000", "to 200"),
    ("[edge]\nmax_body_bytes = '1M'", "edge.max_body_bytes = '1M'", "a whole number"),
    ("[webhooks]\ntimeout = 61", "webhooks.timeout = 61", "at most 60"),
    ("[webhooks]\nretries = []", "webhooks.retries = []", "1 to 50 whole seconds"),
    ("[webhooks]\nretries = [0.5]", "webhooks.retries = [0.5]", "1 to 50 whole seconds"),
    ("[webhooks]\nat_once = 0", "webhooks.at_once = 0", "from 1"),
    (
        "[budget]\namount = '1.0000001'\nperiod = 'day'",
        "budget.amount = '1.0000001'",
        "at most 6 decimals",
    ),
    ("[budget]\namount = -1\nperiod = 'day'", "budget.amount = -1", "an amount"),
    ("[budget]\namount = 1\nperiod = 'week'", "budget.period = 'week'", "day, month, total"),
    (
        "[budget]\namount = 1\nperiod = 'day'\nalert_at = [0.8, 1.5]",
        "budget.alert_at = [0.8, 1.5]",
        "shares",
    ),
    (
        "[budget]\namount = 1\nperiod = 'day'\nalert_at = [0.0]",
        "budget.alert_at = [0.0]",
        "shares",
    ),
    ("[providers.hunter]\nweight = 0", "providers.hunter.weight = 0", "from 1"),
    (
        "[providers.hunter.limits]\nper_second = 0",
        "providers.hunter.limits.per_second = 0",
        "from 1",
    ),
    (
        "[providers.hunter.prices]\n'emails.find' = 'cheap'",
        "providers.hunter.prices.\"emails.find\" = 'cheap'",
        "a price per unit",
    ),
    (
        "[providers.hunter.prices]\nemail-finder = 1e999999999",
        "providers.hunter.prices.email-finder = 1E+999999999",
        "a price per unit",
    ),
    (
        "[providers.snov.options]\nfinder = 'v3'",
        "providers.snov.options.finder = 'v3'",
        "v1, v2",
    ),
    (
        "[providers.letrics.options]\ncontacts.path = 'contacts'",
        "providers.letrics.options.\"contacts.path\" = 'contacts'",
        "/contacts",
    ),
    (
        "[routes.'emails.find']\nproviders = ['huntr']",
        "routes.\"emails.find\".providers = ['huntr']",
        "a list of hunter, snov, sixtyfour, letrics",
    ),
    ("[routes.'emails.find']\norder = 'random'", "order = 'random'", "listed, cheapest"),
    ("[routes.'emails.find']\nmax_cost = nan", "max_cost = NaN", "an amount"),
    ("[routes.'emails.find']\nmax_age = -1", "max_age = -1", "from 0"),
    ("[routes.'emails.find']\ntimeout = 0", "timeout = 0", "seconds above 0"),
    ("[routes.'emails.find']\ntimeout = nan", "timeout = NaN", "seconds above 0"),
    ("[routes.'emails.find']\nverify = 'always'", "verify = 'always'", "never, uncertain"),
    (
        "[routes.'emails.find'.accept]\nstatuses = ['ok']",
        "accept.statuses = ['ok']",
        "valid, catch_all",
    ),
    (
        "[routes.'emails.find'.accept]\nmin_confidence = 101",
        "accept.min_confidence = 101",
        "0 to 100",
    ),
]


@pytest.mark.parametrize("text,shown,allowed", WRONG_IN_TOML)
def test_a_wrong_toml_value_is_named_with_its_file_and_what_is_allowed(
    toml: Path, text: str, shown: str, allowed: str
) -> None:
    (problem,) = problems_of_toml(toml, text)
    before, _, after = problem.partition(" (gateway.toml): expected ")
    assert before.endswith(shown)
    assert allowed in after


WRONG_SECRETS = {
    "GATEWAY_ADMIN_KEY": [
        "too-short-canary",
        "canary-with-a-tab\tin-the-middle",
        "canary" * 5 + "é",
    ],
    "GATEWAY_MASTER_KEY": ["canary", "Y2FuYXJ5", f"{KEY_A},{KEY_A}", f"{KEY_A},canary"],
    "GATEWAY_METRICS_KEY": ["canary with spaces"],
    "HUNTER_API_KEY": ["canary key", "canary\n"],
    "SIXTYFOUR_API_KEY": ["canary\u200b"],
}


@pytest.mark.parametrize(
    "name,value", [(name, value) for name, values in WRONG_SECRETS.items() for value in values]
)
def test_a_wrong_secret_is_named_but_never_shown(toml: Path, name: str, value: str) -> None:
    (problem,) = problems_of_env(toml, **{name: value})
    assert problem.startswith(f"{name} (environment): expected ")
    assert "canary" not in problem
    assert KEY_A not in problem


@pytest.mark.parametrize(
    "text",
    [
        "admin_key = ['canary']",
        "[providers.hunter]\napi_key = {canary = 1}",
        "[providers]\nhunter = 'canary'",
        "store_url = 'redis://user:canary@h/x?password=canary'",
        "store_url = 'redis:canary@h'",
        "[providers.hunter]\nbase_url = 'https://canary:canary@h/v2?api_key=canary'",
        "admin_kye = 'canary'",
    ],
)
def test_what_may_hold_a_secret_is_not_shown(toml: Path, text: str) -> None:
    assert not [problem for problem in problems_of_toml(toml, text) if "canary" in problem]


def test_all_problems_are_reported_together(toml: Path) -> None:
    toml.write_text("store_timeout_ms = 0\nlog_level = 'loud'\nnonsense = 1\n[cache]\nscope = 2\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(toml, {"GATEWAY_CURRENCY": "x", "SNOV_CLIENT_ID": "id"})
    lines = str(caught.value).splitlines()
    assert len(lines) == 6
    assert [line.split()[0] for line in lines] == [
        "store_timeout_ms",
        "log_level",
        "nonsense",
        "cache.scope",
        "GATEWAY_CURRENCY",
        "SNOV_CLIENT_SECRET:",
    ]


def test_the_defaults_are_those_of_the_documentation(toml: Path) -> None:
    settings = load_env(toml)
    assert settings == Settings()
    assert settings.store_url is None
    assert settings.store_timeout_ms == 250
    assert settings.data_dir == Path("data")
    assert (settings.currency, settings.timezone) == ("USD", "UTC")
    assert (settings.log_level, settings.log_format) == ("info", None)
    assert (settings.sandbox, settings.test_clock) == (None, False)
    assert settings.cache_scope == "shared"
    assert not settings.names_provider
    route = settings.route("emails.find")
    assert (route.order, route.accept_statuses, route.verify) == ("learned", ("valid",), "never")
    assert (route.min_confidence, route.max_cost, route.max_age) == (0, None, 30 * 86_400)
    assert 3 <= sum(settings.webhooks.retries) / 86_400 < 3.3
    assert {name: one.base_url for name, one in settings.providers.items()} == {
        "hunter": "https://api.hunter.io/v2",
        "snov": "https://api.snov.io",
        "sixtyfour": "https://api.sixtyfour.ai",
        "letrics": "https://letrics.ai/api/v1",
    }


ENVIRONMENT = {
    "GATEWAY_STORE_URL": "rediss://user:hush@store:6380/2",
    "GATEWAY_STORE_TIMEOUT_MS": "900",
    "GATEWAY_STORE_ACCEPT_RISK": "fsync, unchecked",
    "GATEWAY_DATA_DIR": "/var/lib/gateway",
    "GATEWAY_MASTER_KEY": f"{KEY_A}, {KEY_B}",
    "GATEWAY_ADMIN_KEY": "twenty-four characters!!",
    "GATEWAY_SANDBOX": "0",
    "GATEWAY_PUBLIC_URL": "https://gateway.corp.example/",
    "GATEWAY_CURRENCY": "EUR",
    "GATEWAY_TIMEZONE": "Europe/Berlin",
    "GATEWAY_LOG_LEVEL": "WARNING",
    "GATEWAY_WEBHOOK_ALLOW_CIDRS": "10.0.0.0/8,fd00::/8",
    "GATEWAY_TEST_CLOCK": "1",
}


def test_environment_values_are_read_into_their_types(toml: Path) -> None:
    settings = load_env(toml, **ENVIRONMENT)
    assert settings.store_url == "rediss://user:hush@store:6380/2"
    assert settings.store_timeout_ms == 900
    assert settings.store_accept_risk == {"fsync", "unchecked"}
    assert settings.data_dir == Path("/var/lib/gateway")
    assert [key.decode() for key in settings.master_keys] == [
        bytes(range(32)),
        b"\xfb\xff\xbf" * 10 + b"\xfb\xff",
    ]
    assert settings.admin_key == Secret("twenty-four characters!!")
    assert settings.sandbox is False
    assert settings.public_url == "https://gateway.corp.example"
    assert (settings.currency, settings.timezone) == ("EUR", "Europe/Berlin")
    assert settings.log_level == "warning"
    assert settings.webhook_allow_cidrs == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.test_clock is True


TABLES = """
store_accept_risk = ["eviction"]
[cache]
scope = "team"
[[budget]]
amount = 100.5
period = "month"
[[budget]]
amount = "9"
period = "day"
alert_at = [0.5, 1]
[routes."emails.find"]
providers = ["snov", "hunter"]
order = "cheapest"
accept = { statuses = ["valid", "catch_all"], min_confidence = 50 }
verify = "uncertain"
max_cost = 0.1
wait_price = "0.001"
max_age = 0
timeout = 12.5
[providers.hunter]
weight = 3
prices = { "emails.find" = "0.049", email-finder = 0.05, "v1/get-balance" = 0 }
limits = { per_second = 15, units_month = 500 }
[webhooks]
timeout = 2.5
retries = [1, 60]
[providers.snov.options]
finder = "v2"
[providers.letrics.options]
contacts.path = "/people"
"contact.full_name" = "person.name|name"
"""


def test_toml_tables_are_read_into_their_types(toml: Path) -> None:
    settings = load_toml(toml, TABLES)
    assert settings.cache_scope == "team"
    assert [(one.amount, one.period) for one in settings.budget] == [
        (Decimal("100.5"), "month"),
        (Decimal(9), "day"),
    ]
    assert settings.budget[0].alert_at == (Decimal("0.8"), Decimal("0.95"))
    assert settings.budget[1].alert_at == (Decimal("0.5"), Decimal(1))
    route = settings.route("emails.find")
    assert route.providers == ("snov", "hunter")
    assert (route.order, route.verify, route.max_cost) == ("cheapest", "uncertain", Decimal("0.1"))
    assert (route.accept_statuses, route.min_confidence) == (("valid", "catch_all"), 50)
    assert (route.max_age, route.timeout) == (0, 12.5)
    assert (route.value, route.wait_price) == (None, Decimal("0.001"))
    assert settings.route("emails.verify").providers is None
    assert (settings.webhooks.timeout, settings.webhooks.retries) == (2.5, (1, 60))


def test_toml_tables_of_providers_are_read_into_their_types(toml: Path) -> None:
    settings = load_toml(toml, TABLES)
    hunter = settings.providers["hunter"]
    assert hunter.prices == {
        "emails.find": Decimal("0.049"),
        "email-finder": Decimal("0.05"),
        "v1/get-balance": Decimal(0),
    }
    assert (hunter.limits, hunter.weight) == ({"per_second": 15, "units_month": 500}, 3)
    assert settings.providers["snov"].options == {"finder": "v2"}
    assert settings.providers["letrics"].options == {
        "contacts.path": "/people",
        "contact.full_name": "person.name|name",
    }


def test_credentials_have_the_members_of_stored_ones(toml: Path) -> None:
    settings = load_env(
        toml,
        HUNTER_API_KEY="h-key",
        SNOV_CLIENT_ID="s-id",
        SNOV_CLIENT_SECRET="s-secret",
        LETRICS_API_TOKEN="l-token",
        LETRICS_BASE_URL="http://127.0.0.1:9999/api/",
    )
    assert settings.names_provider
    assert settings.providers["hunter"].secret == {"api_key": Secret("h-key")}
    assert settings.providers["snov"].secret == {
        "client_id": Secret("s-id"),
        "client_secret": Secret("s-secret"),
    }
    assert settings.providers["sixtyfour"].secret is None
    assert settings.providers["letrics"].secret == {"token": Secret("l-token")}
    assert settings.providers["letrics"].base_url == "http://127.0.0.1:9999/api"
    assert settings.providers["letrics"].base_url_set
    assert not settings.providers["hunter"].base_url_set


def test_no_secret_is_in_the_repr_and_all_are_named_for_redaction(toml: Path) -> None:
    settings = load_env(
        toml,
        GATEWAY_STORE_URL="redis://:canary%2Bstore@h?password=canary-query",
        GATEWAY_MASTER_KEY=KEY_A,
        GATEWAY_ADMIN_KEY="canary-admin-0123456789ab",
        GATEWAY_METRICS_KEY="canary-metrics",
        SNOV_CLIENT_ID="canary-id",
        SNOV_CLIENT_SECRET="canary-secret",
    )
    for shown in (repr(settings), str(settings), f"{settings.admin_key}", repr([settings])):
        assert "canary" not in shown
        assert KEY_A not in shown
    assert set(settings.secrets()) == {
        KEY_A,
        "canary-admin-0123456789ab",
        "canary-metrics",
        "canary-id",
        "canary-secret",
        "canary+store",
        "canary-query",
    }


def test_an_external_store_needs_a_master_key(toml: Path) -> None:
    (problem,) = problems_of_env(toml, GATEWAY_STORE_URL="redis://store:6379")
    assert problem.startswith("GATEWAY_MASTER_KEY: required with GATEWAY_STORE_URL")
    assert load_env(toml, GATEWAY_STORE_URL="unix:///run/v.sock", GATEWAY_MASTER_KEY=KEY_A)


@pytest.mark.parametrize("given,missing", [("ID", "SECRET"), ("SECRET", "ID")])
def test_half_a_snov_credential_is_refused(toml: Path, given: str, missing: str) -> None:
    (problem,) = problems_of_env(toml, **{f"SNOV_CLIENT_{given}": "x"})
    assert problem == f"SNOV_CLIENT_{missing}: required with SNOV_CLIENT_{given}"


@pytest.mark.parametrize("missing", ["amount", "period"])
def test_a_budget_says_how_much_and_for_how_long(toml: Path, missing: str) -> None:
    rows = {"amount": "amount = 1", "period": "period = 'day'"}
    del rows[missing]
    assert problems_of_toml(toml, "[budget]\n" + "".join(rows.values())) == (
        f"budget.{missing}: required in every budget",
    )


def test_a_data_directory_under_home_is_expanded(toml: Path) -> None:
    assert load_env(toml, GATEWAY_DATA_DIR="~/data").data_dir == Path(os.path.expanduser("~/data"))


@pytest.mark.parametrize(
    "secret", ["canary\r\nx-more: 1", "canary\x85", "canary\u2026", "a canary"]
)
@pytest.mark.parametrize("name", ["HUNTER_API_KEY", "SNOV_CLIENT_SECRET", "LETRICS_API_TOKEN"])
def test_a_secret_that_no_header_carries_is_refused_unseen(name: str, secret: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(None, {name: secret})
    assert name in str(refused.value)
    assert "canary" not in str(refused.value)
