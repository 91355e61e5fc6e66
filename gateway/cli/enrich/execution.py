"""One run from its plan to its summary and exit code."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import click

from gateway.cli.client import Gateway
from gateway.cli.display import show_json, show_remarks
from gateway.cli.enrich.gauge import Gauge, new_gauge
from gateway.cli.enrich.handing import JobRun
from gateway.cli.enrich.output import Output
from gateway.cli.enrich.plan import ByJobs, Plan, confirm, say
from gateway.cli.enrich.run import Run, Task
from gateway.cli.enrich.sheet import read_rows
from gateway.cli.enrich.tally import Tally, count_rows
from gateway.cli.failure import FAILED, Failure
from gateway.cli.session import Session

OF_JOBS = 4
"""Connections to hand in, watch and fetch at the same time."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What the asynchronous part needs."""

    plan: Plan
    output: Output
    gauge: Gauge

    async def run(self, gateway: Gateway) -> Failure | None:
        """Why it ended early, if it did."""
        if self.plan.by_jobs is None:
            return await self._run_singly(gateway)
        run = self._to_job_run(gateway, self.plan.by_jobs)
        await run.go()
        if not run.unwelcome:
            return run.end
        self.gauge.note("Jobs cannot be handed in with this key here: sending rows one by one.")
        self.output.forget_jobs()
        return await self._run_singly(gateway)

    async def _run_singly(self, gateway: Gateway) -> Failure | None:
        run = Run(
            gateway=gateway,
            task=self._task,
            output=self.output,
            gauge=self.gauge,
            rows=zip(count(), read_rows(self.plan.sheet), strict=False),
            concurrency=self.plan.concurrency,
        )
        await run.go()
        return run.end

    def _to_job_run(self, gateway: Gateway, by_jobs: ByJobs) -> JobRun:
        return JobRun(
            gateway=gateway,
            task=self._task,
            output=self.output,
            gauge=self.gauge,
            sheet=self.plan.sheet,
            most=by_jobs.most,
            budget=by_jobs.budget,
            optional=by_jobs.optional,
        )

    @property
    def _task(self) -> Task:
        plan = self.plan
        return Task(plan.operation, plan.mapping, len(plan.sheet.headings), plan.parameters)


def carry_out(session: Session, plan: Plan) -> None:
    """Ends with the exit code: 0, 1 if rows failed, else that of what stopped it."""
    total, progress = plan.sheet.rows, plan.progress
    if plan.resumed:
        say(f"Resuming at row {progress.rows + 1} of {total}.")
    confirm(session)
    session.run(lambda gateway: gateway.greet())
    try:
        write(session, plan)
    except OSError as error:
        raise Failure(f"cannot write {plan.files.part}: {error.strerror or error}") from None
    summarise(session, plan, progress.tally)
    if progress.tally.failed:
        raise click.exceptions.Exit(FAILED)


def write(session: Session, plan: Plan) -> None:
    """The finished file, or a `Failure` and a part that the next run goes on with."""
    output = open_output(plan)
    gauge = new_gauge(plan.sheet.rows, plan.progress.tally.done)
    try:
        execution = Execution(plan, output, gauge)
        end = session.run(execution.run, connections=max(plan.concurrency, OF_JOBS))
    finally:
        gauge.close()
        output.close()
    if end is not None:
        raise to_resumable(end, plan)
    plan.files.finish(plan.progress)


def open_output(plan: Plan) -> Output:
    sheet = plan.sheet
    output = Output(plan.files, plan.progress, delimiter=sheet.delimiter, newline=sheet.newline)
    if not plan.resumed:
        output.begin(plan.headings, bom=sheet.bom)
    return output


def to_resumable(end: Failure, plan: Plan) -> Failure:
    """What stopped it, what is done, and how to go on."""
    tally = plan.progress.tally
    return Failure(
        f"{end.message}\n"
        f"  {tally.done} of {plan.sheet.rows} rows are answered, cost {tally.money}, "
        f"kept in {plan.files.part}\n"
        f"{to_job_hint(plan)}"
        "  the same command goes on from there without paying twice",
        end.exit_code,
    )


def to_job_hint(plan: Plan) -> str:
    """What goes on although the command has ended."""
    progress = plan.progress
    left = [one.id for one in progress.jobs if one.id and one.end > progress.rows]
    if not left:
        return ""
    shown = ", ".join(left[:3]) + (" and more" if len(left) > 3 else "")
    return f"  handed in, and going on at the gateway: {shown} (see `prospect jobs`)\n"


def summarise(session: Session, plan: Plan, tally: Tally) -> None:
    if session.as_json:
        show_json(to_summary(plan, tally))
        return
    click.echo(
        f"{count_rows(tally.done)}: found {tally.share} % ({tally.accepted} accepted, "
        f"{tally.weak} weak), {tally.empty} empty, {tally.failed} failed\n"
        f"cost {tally.money}{' for the rows as answered here' if plan.resumed else ''}, "
        f"{tally.cached} from the cache → {plan.files.target}"
    )
    if plan.resumed:
        say("Rows that a killed run had paid for but not kept came from the cache and count 0.")
    show_remarks({"sandbox": tally.sandbox})
    if tally.failed:
        say(f"The column `{plan.headings[-1]}` says why rows failed.")


def to_summary(plan: Plan, tally: Tally) -> dict[str, Any]:
    return {
        "output": str(plan.files.target),
        "rows": tally.done,
        "accepted": tally.accepted,
        "weak": tally.weak,
        "empty": tally.empty,
        "failed": tally.failed,
        "cached": tally.cached,
        "found_percent": tally.share,
        "cost": f"{tally.cost:f}",
        "currency": tally.currency,
        "resumed": plan.resumed,
        "sandbox": tally.sandbox,
    }
