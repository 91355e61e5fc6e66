"""The simulator from the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from providers.simulator.app import SimulatorApp
from providers.simulator.people import list_people, write_people
from providers.simulator.serving import exit_when_input_closes, exit_with_parent, serve
from providers.simulator.settings import SimulatorSettings
from providers.simulator.world import World

EXAMPLES = """\
examples:
  python -m providers.simulator serve --port 9000 --latency real
  curl 'http://127.0.0.1:9000/hunter/v2/email-finder?domain=blue-harbor.example\
&first_name=Ada&last_name=Lovelace&api_key=sim-hunter-key'
  python -m providers.simulator people --count 200 > people-200.csv
"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    world = World(seed=options.seed, people=options.people)
    if options.command == "people":
        write_people(sys.stdout, list_people(world, options.count))
        return 0
    if options.die_with_parent:
        exit_with_parent()
    if options.parent_pipe:
        exit_when_input_closes()
    settings = SimulatorSettings(latency=options.latency, bill=options.bill, seed=options.seed)
    try:
        serve(SimulatorApp(world, settings), options.host, options.port)
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m providers.simulator",
        description="Four simulated prospecting providers over HTTP, with a bill and faults.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    world = argparse.ArgumentParser(add_help=False)
    world.add_argument("--seed", type=int, default=7, help="the same seed is the same world")
    world.add_argument("--people", type=int, default=2000, help="how many exist (2000)")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_serve(commands, world)
    people = commands.add_parser("people", parents=[world], help="print people as CSV")
    people.add_argument("--count", type=int, default=200, help="rows to print (200)")
    return parser


def _add_serve(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], world: argparse.ArgumentParser
) -> None:
    server = commands.add_parser(
        "serve",
        parents=[world],
        help="serve, and print one JSON line with the base URLs when listening",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    server.add_argument("--latency", choices=("zero", "fast", "real"), default="fast")
    server.add_argument("--bill", type=Path, help="keep the charges in this file, JSON lines")
    server.add_argument(
        "--die-with-parent", action="store_true", help="end when the starting process ends"
    )
    server.add_argument(
        "--parent-pipe", action="store_true", help="end when standard input closes"
    )


if __name__ == "__main__":
    sys.exit(main())
