"""Functions, parameter lists and files stay within the hard limits of the house style."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FUNCTION_LINES = 30
PARAMETERS = 6
FILE_LINES = 400
TEST_FILE_LINES = 500

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> list[Path]:
    folders = ("gateway", "providers", "tests", ".ci")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def oversized(code: str, *, test: bool) -> Iterator[str]:
    limit = TEST_FILE_LINES if test else FILE_LINES
    if (lines := len(code.splitlines())) > limit:
        yield f"file: {lines} lines, at most {limit}"
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, Function):
            yield from oversized_function(node, test=test)


def oversized_function(node: Function, *, test: bool) -> Iterator[str]:
    """Lines count from after the docstring; in tests fixtures are parameters, so those do not."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
    if lines > FUNCTION_LINES:
        yield f"{node.name}: {lines} lines, at most {FUNCTION_LINES}"
    positional = len(node.args.posonlyargs) + len(node.args.args)
    if positional > PARAMETERS and not test:
        yield f"{node.name}: {positional} positional parameters, at most {PARAMETERS}"


def function(lines: int, parameters: int = 0) -> str:
    names = ", ".join(f"p{n}" for n in range(parameters))
    return f"def f({names}):\n    '''Words.'''\n" + "    x = 1\n" * lines


def test_every_function_and_file_has_its_size() -> None:
    found = {
        str(path.relative_to(ROOT)): faults
        for path in sources()
        if (faults := list(oversized(path.read_text(), test=path.is_relative_to(ROOT / "tests"))))
    }
    assert not found


@pytest.mark.parametrize(
    "just, over, test",
    [
        (function(FUNCTION_LINES), function(FUNCTION_LINES + 1), False),
        (f"async {function(FUNCTION_LINES)}", f"async {function(FUNCTION_LINES + 1)}", True),
        (function(1, PARAMETERS), function(1, PARAMETERS + 1), False),
        ("x = 1\n" * FILE_LINES, "x = 1\n" * (FILE_LINES + 1), False),
        ("x = 1\n" * TEST_FILE_LINES, "x = 1\n" * (TEST_FILE_LINES + 1), True),
    ],
)
def test_one_too_many_is_caught(just: str, over: str, test: bool) -> None:
    assert not list(oversized(just, test=test))
    assert list(oversized(over, test=test))


def test_the_code_is_looked_at() -> None:
    assert ROOT / "gateway/__init__.py" in sources()
    assert Path(__file__) in sources()
