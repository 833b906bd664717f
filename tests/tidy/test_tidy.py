"""The house is tidy: rules over the whole repository that no other tool checks."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import callbackq

HOME = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
SKIPPED = {"__pycache__", "_build", "build", "dist"}

# Put together from parts, so that this file passes its own tests.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
ELSEWHERE = re.compile(
    "|".join(["/" + "work/", "/" + r"root\b", "/" + "tmp/venv", "py" + r"pi\.org", "python" + r"hosted\."])
)
BARE_IGNORE = re.compile(r"type:\s*" + r"ignore(?!\[)")
ANY_IGNORE = re.compile(r"(type|pyright):\s*" + "ignore")


@cache
def files() -> list[Path]:
    """Return what is tracked, or would be if it were added; without git, what is outside hidden folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=HOME,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        found = [HOME / name.decode() for name in listed.stdout.split(b"\0") if name]
    else:
        found = [
            path
            for path in HOME.rglob("*")
            if not any(part.startswith(".") or part in SKIPPED for part in path.relative_to(HOME).parts)
        ]
    return sorted(path for path in found if path.is_file())


@cache
def text(path: Path) -> str:
    """Return what is in *path*, or nothing if it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


def python_files(*folders: str) -> list[Path]:
    places = [HOME / folder for folder in folders or ("",)]
    return [
        path
        for path in files()
        if path.suffix == ".py" and any(path.is_relative_to(place) for place in places)
    ]


def found(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(HOME)}:{number}: {line.strip()[:100]}"
        for path in paths
        for number, line in enumerate(text(path).splitlines(), 1)
        if pattern.search(line)
    ]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of_body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Without signature and docstring: many arguments are no second idea."""
    assert node.end_lineno is not None
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        assert first.end_lineno is not None
        return node.end_lineno - first.end_lineno
    return node.end_lineno - first.lineno + 1


def public_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as the linter sorts them."""
    bare = name.strip("_")
    if bare.isupper() and len(bare) > 1:
        return 0, name
    return (1 if name[:1].isupper() else 2), name


def test_there_are_files_to_check() -> None:
    assert python_files("src")
    assert python_files("tests")


def test_nothing_is_left_unfinished() -> None:
    assert found(UNFINISHED, files()) == []


def test_no_paths_of_a_machine_and_no_host_of_a_registry() -> None:
    assert found(ELSEWHERE, files()) == []


def test_ignored_type_errors_are_named() -> None:
    assert found(BARE_IGNORE, python_files()) == []


def test_the_core_ignores_no_type_error() -> None:
    assert found(ANY_IGNORE, python_files("src/callbackq/core")) == []


def test_no_source_file_holds_two_ideas() -> None:
    long = {str(path.relative_to(HOME)): len(text(path).splitlines()) for path in python_files("src")}
    assert {name: lines for name, lines in long.items() if lines > FILE_LINES_MAX} == {}


def test_no_function_holds_two_ideas() -> None:
    long = {
        f"{path.relative_to(HOME)}:{node.lineno} {node.name}": lines_of_body(node)
        for path in python_files("src")
        for node in functions(path)
    }
    assert {name: lines for name, lines in long.items() if lines > FUNCTION_LINES_MAX} == {}


def test_public_names_are_sorted_and_said_once() -> None:
    assert list(callbackq.__all__) == sorted(set(callbackq.__all__), key=public_order)


@pytest.mark.parametrize("name", callbackq.__all__)
def test_public_name_can_be_imported(name: str) -> None:
    assert getattr(importlib.import_module("callbackq"), name) is not None


@pytest.mark.parametrize("folder", ["src", "tests"])
def test_every_module_says_what_it_is_about(folder: str) -> None:
    silent = [
        str(path.relative_to(HOME))
        for path in python_files(folder)
        if text(path).strip() and not ast.get_docstring(tree(path))
    ]
    assert silent == []


def test_features_names_only_tests_that_exist() -> None:
    """`docs/features.md` names tests as `test_name` or as `tests/folder/test_file.py::test_name`."""
    page = text(HOME / "docs" / "features.md")
    modules = python_files("tests", "src/callbackq/testing")
    in_module = {
        str(path.relative_to(HOME).as_posix()): {node.name for node in functions(path)} for path in modules
    }
    known = {path.stem for path in modules}.union(*in_module.values())
    named = set(re.findall(r"\btest_\w+", page))
    full = set(re.findall(r"(tests/[\w./-]+\.py)(?:::(?:\w+::)*(test_\w+))?", page))
    wrong = {
        f"{module}::{name}" for module, name in full if name not in {*in_module.get(module, set()), ""}
    } | {module for module, _ in full if module not in in_module}
    assert page, "docs/features.md is missing"
    assert named - known == set()
    assert wrong == set()
