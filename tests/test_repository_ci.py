"""CI runs every stage, stops at the first that fails and ends with the test runner's words."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUN = (ROOT / ".ci/run").read_text()
STAGES = [".venv/.dev", "format-check", "lint", "types", "imports", "test", "gates-short"]

# Stands in for make: notes the stage, eats what it is given, fails where it is told to.
MAKE = """#!/bin/sh
for stage; do :; done
echo "$stage" >> stages
cat >> input
if [ "$stage" = "$FAILS" ]; then exit 1; fi
case $stage in test) echo '40 passed in 3.10s';; gates-short) echo '2 passed in 1.05s';; esac
"""


def run_ci(folder: Path, script: str, *, fails: str = "") -> subprocess.CompletedProcess[str]:
    (folder / ".ci").mkdir()
    (folder / ".ci/run").write_text(script)
    (folder / "make").write_text(MAKE)
    (folder / "make").chmod(0o755)
    return subprocess.run(
        ["bash", folder / ".ci/run"],
        check=False,
        capture_output=True,
        text=True,
        input="never read\n",
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "FAILS": fails},
    )


def test_ci_runs_every_stage_and_ends_with_the_test_result(tmp_path: Path) -> None:
    done = run_ci(tmp_path, RUN)
    assert done.returncode == 0
    assert (tmp_path / "stages").read_text().split() == STAGES
    assert done.stdout.splitlines()[-1] == "2 passed in 1.05s"
    assert len(re.findall(r"took \d+ s$", done.stdout, re.MULTILINE)) == len(STAGES) - 1
    assert (tmp_path / "input").read_text() == ""


@pytest.mark.parametrize("stage", STAGES)
def test_ci_fails_with_any_stage_and_goes_no_further(tmp_path: Path, stage: str) -> None:
    assert run_ci(tmp_path, RUN, fails=stage).returncode != 0
    assert (tmp_path / "stages").read_text().split()[-1] == stage


def test_a_script_that_goes_on_after_a_failure_is_caught(tmp_path: Path) -> None:
    careless = RUN.replace("set -euo pipefail", "")
    assert run_ci(tmp_path, careless, fails="lint").returncode == 0
    assert (tmp_path / "stages").read_text().split()[-1] != "lint"


def test_ci_is_executable() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_make_lists_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    listed = subprocess.run(["make"], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert set(re.findall(r"^  make (\S+)", listed, re.MULTILINE)) == set(phony[1].split()) - {
        "force"
    }
