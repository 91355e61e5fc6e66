"""Where settings come from: file, environment, secret files, command line, and who wins."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Secret, Settings, SettingsError, load_settings, variables
from gateway.settings.schema import SCHEMA, VARIABLES, Table, has_file, rule_at
from providers.letrics import FIELDS

ROOT = Path(__file__).parents[2]


def problems_of(config: Path | None, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(config, environ or {})
    return caught.value.problems


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_file_is_the_named_one_else_the_variables_else_the_local_one(here: Path) -> None:
    (here / "gateway.toml").write_text("currency = 'AAA'")
    (here / "b.toml").write_text("currency = 'BBB'")
    (here / "c.toml").write_text("currency = 'CCC'")
    environ = {"GATEWAY_CONFIG": "b.toml"}
    assert load_settings(here / "c.toml", environ).currency == "CCC"
    assert load_settings(None, environ).currency == "BBB"
    assert load_settings(None, {"GATEWAY_CONFIG": ""}).currency == "AAA"
    (here / "gateway.toml").unlink()
    assert load_settings(None, {}).currency == "USD"


@pytest.mark.parametrize(
    "content,said",
    [
        (None, "no such file"),
        (b"currency 'EUR'", "not TOML"),
        (b"currency = '\xff'", "not TOML"),
        (b"currency = 'EUR'\ncurrency = 'USD'", "not TOML"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "x.toml"
    if content is not None:
        file.write_bytes(content)
    for environ in ({}, {"GATEWAY_CONFIG": str(file)}):
        (problem,) = problems_of(None if environ else file, environ)
        assert problem.startswith(f"{file}: {said}")


def test_a_directory_is_no_configuration_file(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path)
    assert problem == f"{tmp_path}: cannot be read: Is a directory"


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(
        "currency = 'EUR'\nsandbox = true\nlog_level = 'debug'\n"
        "[providers.hunter]\napi_key = 'from-file'\nweight = 2"
    )
    environ = {"GATEWAY_CURRENCY": "CHF", "GATEWAY_SANDBOX": "0", "HUNTER_API_KEY": "from-env"}
    settings = load_settings(
        file, environ, overrides={"sandbox": True, "data_dir": tmp_path, "log_level": None}
    )
    assert settings.currency == "CHF"
    assert settings.sandbox is True
    assert settings.data_dir == tmp_path
    assert settings.log_level == "debug"
    assert settings.providers["hunter"].secret == {"api_key": Secret("from-env")}
    assert settings.providers["hunter"].weight == 2


def test_a_wrong_override_is_refused_like_any_value(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^log_level = 'loud' \(command line\): expected one"):
        load_settings(None, {}, overrides={"log_level": "loud"})
    with pytest.raises(SettingsError, match=r"^port \(command line\): unknown key"):
        load_settings(None, {}, overrides={"port": 1})


def test_an_empty_variable_counts_as_unset(here: Path) -> None:
    assert load_settings(None, {one.name: "" for one in VARIABLES}) == Settings()
    assert load_settings(None, {"HUNTER_API_KEY_FILE": "", "GATEWAY_NO_SUCH": ""}) == Settings()


FILED = [one for one in VARIABLES if has_file(one)]


def test_every_secret_may_come_from_a_file() -> None:
    secret = {one.name for one in VARIABLES if (rule := rule_at(one.path)) and rule.secret}
    assert secret == {
        "GATEWAY_MASTER_KEY",
        "GATEWAY_ADMIN_KEY",
        "GATEWAY_METRICS_KEY",
        "HUNTER_API_KEY",
        "SNOV_CLIENT_ID",
        "SNOV_CLIENT_SECRET",
        "SIXTYFOUR_API_KEY",
        "LETRICS_API_TOKEN",
    }
    assert {one.name for one in FILED} == secret | {"GATEWAY_STORE_URL"}


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_the_newline_at_the_end_of_a_secret_file_is_dropped(here: Path, ending: str) -> None:
    (here / "key").write_text("h-key" + ending, newline="")
    settings = load_settings(None, {"HUNTER_API_KEY_FILE": str(here / "key")})
    assert settings.providers["hunter"].secret == {"api_key": Secret("h-key")}
    assert settings.names_provider


def test_a_secret_file_may_be_named_in_toml(here: Path) -> None:
    (here / "key").write_text("h-key\n")
    (here / "gateway.toml").write_text("[providers.hunter]\napi_key_file = 'key'\n")
    settings = load_settings(None, {})
    assert settings.providers["hunter"].secret == {"api_key": Secret("h-key")}
    (here / "gateway.toml").write_text("[providers.hunter]\napi_key_file = 'key'\napi_key = 'x'\n")
    assert problems_of(None) == (
        "providers.hunter.api_key_file (gateway.toml): set this or api_key, not both",
    )


@pytest.mark.parametrize("variable", FILED, ids=lambda one: one.name)
def test_a_secret_and_its_file_exclude_each_other(here: Path, variable: Any) -> None:
    (here / "key").write_text("x")
    environ = {variable.name: "x", f"{variable.name}_FILE": str(here / "key")}
    assert (
        f"{variable.name} (environment): set this or {variable.name}_FILE, not both"
        in problems_of(None, environ)
    )


def test_a_secret_file_that_gives_nothing_is_named(here: Path) -> None:
    (here / "empty").write_text("\n")
    (here / "binary").write_bytes(b"\xff\xfe")
    for name, said in [
        ("missing", "cannot read 'missing': No such file or directory"),
        ("empty", "'empty' is empty"),
        ("binary", "cannot read 'binary': not UTF-8 text"),
        (".", "cannot read '.': Is a directory"),
    ]:
        assert problems_of(None, {"GATEWAY_ADMIN_KEY_FILE": name}) == (
            f"GATEWAY_ADMIN_KEY_FILE (environment): {said}",
        )


def test_a_wrong_secret_from_a_file_is_not_shown(here: Path) -> None:
    (here / "key").write_text("canary")
    (problem,) = problems_of(None, {"GATEWAY_MASTER_KEY_FILE": "key"})
    assert problem.startswith("GATEWAY_MASTER_KEY_FILE (environment): expected 32 bytes in base64")
    assert "canary" not in problem


def test_a_wrong_master_key_is_not_also_called_missing(here: Path) -> None:
    environ = {"GATEWAY_STORE_URL": "redis://h", "GATEWAY_MASTER_KEY": "x"}
    assert len(problems_of(None, environ)) == 1


@pytest.mark.parametrize(
    "name,hint",
    [
        ("GATEWAY_STORE_TIMOUT_MS", "did you mean GATEWAY_STORE_TIMEOUT_MS?"),
        ("GATEWAY_ADMINKEY", "did you mean GATEWAY_ADMIN_KEY?"),
        ("GATEWAY_DATA_DIR_FILE", "did you mean GATEWAY_DATA_DIR?"),
        ("GATEWAY_PORT", "did you mean"),
    ],
)
def test_an_unknown_gateway_variable_is_refused_with_the_closest(
    here: Path, name: str, hint: str
) -> None:
    (problem,) = problems_of(None, {name: "canary"})
    assert problem.startswith(f"{name} (environment): unknown variable; {hint}")
    assert "canary" not in problem


def test_variables_of_others_are_left_alone(here: Path) -> None:
    environ = {
        "HUNTER_ROOT": "/opt/hunter",
        "PROSPECT_URL": "http://127.0.0.1",
        "PATH": "/bin",
        "GATEWAY_SERVICE_HOST": "10.0.0.1",
        "GATEWAY_SERVICE_PORT_HTTP": "8080",
        "GATEWAY_PORT": "tcp://10.0.0.1:8080",
        "GATEWAY_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert load_settings(None, environ) == Settings()


@pytest.mark.parametrize(
    "text,problem",
    [
        (
            "store_timout_ms = 1",
            "store_timout_ms (x): unknown key; did you mean store_timeout_ms?",
        ),
        ("GATEWAY_STORE_URL = ''", "GATEWAY_STORE_URL (x): unknown key; did you mean store_url?"),
        (
            "hunter_api_key = ''",
            "hunter_api_key (x): unknown key; did you mean providers.hunter.a",
        ),
        ("[provider.hunter]", "provider (x): unknown key; did you mean providers?"),
        ("[providers.huntr]", "providers.huntr (x): unknown key; did you mean hunter?"),
        ("[providers.snov]\napi_key = ''", "providers.snov.api_key (x): unknown key; known are"),
        ("[providers.letrics]\ntoken = ''", "providers.letrics.token (x): unknown key; did you m"),
        ("[providers.hunter.limits]\nper_sec = 1", "providers.hunter.limits.per_sec (x): unknown"),
        ("[providers.hunter.options]\na = 1", "providers.hunter.options.a (x): unknown key"),
        (
            "[providers.letrics.options]\ncontact.nam = 'x'",
            'providers.letrics.options."contact.nam" (x): unknown key; did you mean contact.',
        ),
        (
            "[providers.hunter.prices]\n'emails.fnd' = 1",
            'providers.hunter.prices."emails.fnd" (x)',
        ),
        ("[routes.'emails.fnd']", 'routes."emails.fnd" (x): unknown key; did you mean emails.fin'),
        ("[routes.'emails.find']\ncost = 1", 'routes."emails.find".cost (x): unknown key'),
        ("[routes.'emails.find'.accept]\nstatus = 1", 'routes."emails.find".accept.status (x): u'),
        ("[cache]\nscop = 'team'", "cache.scop (x): unknown key; did you mean scope?"),
        ("[retention]\ndays = 1", "retention.days (x): unknown key"),
        ("[edge]\nmax_depth = 1", "edge.max_depth (x): unknown key; did you mean max_json_depth?"),
        ("[[budget]]\namount = 1\nperiod = 'day'\nalert = 1", "budget.alert (x): unknown key"),
        ("currency_file = 'x'", "currency_file (x): unknown key; did you mean currency?"),
        ("cache = 1", "cache (x): expected a table with any of scope"),
        ("[providers.hunter]\nprices = 1", "providers.hunter.prices (x): expected a table of"),
    ],
)
def test_an_unknown_key_is_refused_with_the_closest(here: Path, text: str, problem: str) -> None:
    (here / "x").write_text(text)
    (said,) = problems_of(Path("x"))
    assert said.startswith(problem)


def example_triples() -> list[tuple[str, str, str]]:
    """Name, meaning and default as `.env.example` has them."""
    blocks = (ROOT / ".env.example").read_text().strip().split("\n\n")[1:]
    lines = [block.split("\n") for block in blocks]
    return [
        (
            name.removeprefix("#").removesuffix("="),
            meaning.removeprefix("# ").partition(" (or ")[0],
            default.removeprefix("# Default: "),
        )
        for meaning, default, name in lines
    ]


def test_the_example_environment_has_every_variable() -> None:
    assert example_triples() == variables()


def test_the_documented_defaults_are_the_real_ones() -> None:
    defaults = Settings()
    for variable in VARIABLES:
        if len(variable.path) == 1 and variable.default not in {"unset", "none", "open", "off"}:
            value = getattr(defaults, variable.path[0], None)
            if value is not None:
                assert variable.default.removeprefix("./") == str(value)
    for name, provider in defaults.providers.items():
        assert (f"{name}_base_url".upper(), provider.base_url) in {
            (one.name, one.default) for one in VARIABLES
        }


def uncomment(text: str) -> str:
    lines = [line.removeprefix("#") for line in text.splitlines() if not line.startswith("# ")]
    return "\n".join(lines)


def leaves(table: Mapping[str, Any]) -> set[str]:
    found = set()
    for key, value in table.items():
        row = value[0] if isinstance(value, list) and isinstance(value[0], dict) else value
        inner = leaves(row) if isinstance(row, dict) else {""}
        found |= {f"{key.removesuffix('_file')}/{rest}" for rest in inner}
    return found


def known_leaves(table: Table) -> set[str]:
    found = set()
    for key, node in table.items():
        inner = getattr(node, "table", node)
        rests = known_leaves(inner) if isinstance(inner, dict) else {""}
        found |= {f"{key}/{rest}" for rest in rests or {""}}
    return found


def test_the_example_file_loads_as_it_stands_and_with_everything_uncommented(here: Path) -> None:
    example = (ROOT / "deploy" / "gateway.toml").read_text()
    (here / "gateway.toml").write_text(example)
    assert load_settings(None, {}) == Settings()
    (here / "master_key").write_text("A" * 43 + "=\n")
    (here / "admin_key").write_text("a" * 24 + "\n")
    (here / "metrics_key").write_text("a\n")
    whole = uncomment(example).replace("/run/secrets/", f"{here}/")
    (here / "gateway.toml").write_text(whole)
    settings = load_settings(None, {})
    assert settings.admin_key == Secret("a" * 24)


def test_the_example_file_shows_every_key() -> None:
    example = tomllib.loads(uncomment((ROOT / "deploy" / "gateway.toml").read_text()))
    shown = leaves(example)
    for key in known_leaves(SCHEMA):
        # One operation and one provider stand for the others of their kind.
        if not key.startswith("routes/") and "/prices/" not in key and "/options/" not in key:
            if key.startswith("providers/") and not key.startswith("providers/hunter/"):
                continue
            assert key in shown


def test_every_option_that_the_adapters_know_can_be_set() -> None:
    letrics: Any = SCHEMA["providers"]
    fields = {key for key in letrics["letrics"]["options"].table if key.startswith("c")}
    assert fields - {"contacts.path", "companies.path"} == set(FIELDS)
