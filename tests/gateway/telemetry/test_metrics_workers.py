"""Metrics of several worker processes are one page, summed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.telemetry import metrics

COUNT = """
import sys
from gateway.telemetry import metrics
for _ in range(int(sys.argv[1])):
    metrics.count_request("/v1/emails/find", 200, 0.02)
    metrics.count_attempt("hunter", "emails.find", "accepted", 0.3)
    metrics.count_attempt("snov", "emails.find", "skipped")
    metrics.count_cost("hunter", 49_000)
    metrics.count_cache("miss")
    metrics.count_unknown_word("snov", "smtp_status")
    metrics.count_store_call("ok")
    metrics.change_jobs_running(2)
    metrics.change_jobs_running(-1)
print("counted", flush=True)
sys.stdin.readline()
"""
RENDER = """
import sys
from gateway.telemetry import metrics
sys.stdout.buffer.write(metrics.render()[0])
"""
FORGET = """
import sys
from gateway.telemetry import metrics
metrics.forget_worker(int(sys.argv[1]))
"""

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples_of(page: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def sample(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    environ = os.environ | {metrics.DIRECTORY_VARIABLE: str(tmp_path)}

    def run_script(script: str, *arguments: str) -> str:
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(
            command, env=environ, input="\n", capture_output=True, text=True, check=True
        )
        return done.stdout

    return run_script


def assert_all_counted(samples: Samples) -> None:
    """Three and four of everything, whether or not both workers still live."""
    find = {"provider": "hunter", "operation": "emails.find"}
    route = {"route": "/v1/emails/find"}
    assert sample(samples, "gateway_requests_total", **route, status="200") == 7
    assert sample(samples, "gateway_request_seconds_count", **route) == 7
    assert sample(samples, "gateway_request_seconds_sum", **route) == pytest.approx(0.14)
    assert sample(samples, "gateway_request_seconds_bucket", **route, le="0.01") == 0
    assert sample(samples, "gateway_request_seconds_bucket", **route, le="0.025") == 7
    assert sample(samples, "gateway_attempts_total", **find, outcome="accepted") == 7
    assert sample(samples, "gateway_upstream_seconds_count", **find) == 7
    assert sample(samples, "gateway_cost_micros_total", provider="hunter") == 7 * 49_000
    assert sample(samples, "gateway_cache_total", result="miss") == 7
    words = {"provider": "snov", "field": "smtp_status"}
    assert sample(samples, "gateway_unknown_words_total", **words) == 7
    assert sample(samples, "gateway_store_calls_total", result="ok") == 7
    assert not [labels for _, labels in samples if "pid" in dict(labels)]


def start_counting(times: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COUNT, times],
        env=os.environ | {metrics.DIRECTORY_VARIABLE: str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_workers_are_summed_and_a_dead_one_is_forgotten(
    tmp_path: Path, run: Callable[..., str]
) -> None:
    workers = [start_counting(times, tmp_path) for times in ("3", "4")]
    try:
        for worker in workers:
            assert worker.stdout
            assert worker.stdout.readline() == "counted\n"
        both = samples_of(run(RENDER))
        workers[0].kill()
        workers[0].wait()
        run(FORGET, str(workers[0].pid))
        one = samples_of(run(RENDER))
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()

    assert_all_counted(both)
    assert_all_counted(one)
    skipped = {"provider": "snov", "operation": "emails.find"}
    assert sample(both, "gateway_attempts_total", **skipped, outcome="skipped") == 7
    assert ("gateway_upstream_seconds_count", frozenset(skipped.items())) not in both
    assert sample(both, "gateway_jobs_running") == 7
    assert sample(one, "gateway_jobs_running") == 4


def test_a_new_set_of_workers_starts_with_an_empty_page(
    tmp_path: Path, run: Callable[..., str]
) -> None:
    run(COUNT, "1")
    assert "gateway_requests_total{" in run(RENDER)
    (tmp_path / "kept.txt").touch()
    metrics.prepare_directory(tmp_path)
    assert "gateway_requests_total{" not in run(RENDER)
    assert (tmp_path / "kept.txt").exists()


def test_one_process_alone_needs_no_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(metrics.DIRECTORY_VARIABLE, raising=False)
    metrics.count_cache("hit")
    before = samples_of(metrics.render()[0].decode())
    metrics.count_cache("hit")
    page, content_type = metrics.render()
    after = samples_of(page.decode())
    step = sample(after, "gateway_cache_total", result="hit") - sample(
        before, "gateway_cache_total", result="hit"
    )
    assert step == 1
    assert content_type.startswith("text/plain")
    assert not [name for name, _ in after if name.endswith("_created")]
    metrics.forget_worker(1)


def test_a_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    metrics.prepare_directory(tmp_path / "a" / "metrics")
    assert (tmp_path / "a" / "metrics").stat().st_mode & 0o777 == 0o700
