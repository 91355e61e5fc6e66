"""`serve` and `worker`: the two commands that are not clients."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli import options

config_file = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file [default GATEWAY_CONFIG, else ./gateway.toml if there].",
)


@click.command(
    epilog=options.examples(
        "prospect serve",
        "prospect serve --sandbox",
        "prospect serve --host 0.0.0.0 --port 80 --workers 4 --config /etc/gateway.toml",
    )
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="TCP port."
)
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(min=1), help="Processes."
)
@click.option("--sandbox", is_flag=True, help="Simulated providers; nothing real is asked.")
@config_file
@click.option("--no-jobs", is_flag=True, help="Leave the jobs to `prospect worker`.")
@click.pass_context
def serve(
    context: click.Context,
    *,
    host: str,
    port: int,
    workers: int,
    sandbox: bool,
    config: Path | None,
    no_jobs: bool,
) -> None:
    """Serve the API, and work on jobs beside it."""
    from gateway.supervisor import command as supervisor

    context.exit(
        supervisor.serve(
            host=host, port=port, workers=workers, sandbox=sandbox, config=config, jobs=not no_jobs
        )
    )


@click.command(epilog=options.examples("prospect worker --config /etc/gateway.toml"))
@config_file
@click.pass_context
def worker(context: click.Context, *, config: Path | None) -> None:
    """Work on jobs only; the server runs elsewhere."""
    from gateway.supervisor import command as supervisor

    context.exit(supervisor.work(config=config))
