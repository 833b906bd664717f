#!/usr/bin/env python3
"""Run every gate of the project, in one environment made for it. Needs nothing but Python 3.11 and pip."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
CHECK_ENVIRONMENT = HOME / ".venv-check"
WHEEL_ENVIRONMENT = HOME / ".venv-wheel"
EXAMPLE_SECONDS_MAX = 60
COVERAGE_MIN = 90
CORE_COVERAGE_MIN = 100

SMOKE = """
import importlib.resources, pathlib, sys, callbackq
home = pathlib.Path(callbackq.__file__).resolve()
assert home.is_relative_to(pathlib.Path(sys.prefix).resolve()), f"imported from {home}, not from the wheel"
assert importlib.resources.files("callbackq").joinpath("py.typed").is_file(), "py.typed is not in the wheel"
for name in callbackq.__all__:
    getattr(callbackq, name)
print(f"{len(callbackq.__all__)} public names from {home.parent.name} in the wheel")
"""


class GateFailedError(Exception):
    """A gate did not pass. The message says which step of it."""


class Checks:
    """The gates, in the order in which they run. Each is a method that raises `GateFailedError`."""

    def __init__(self) -> None:
        self.environment = _clean_environment()
        self.tests_closing_line = ""

    # ------------------------------------------------------------ gates

    def format(self) -> None:
        self._tool("ruff", "format", "--check", ".")

    def lint(self) -> None:
        self._tool("ruff", "check", ".")

    def mypy(self) -> None:
        self._tool("mypy")

    def basedpyright(self) -> None:
        self._tool("basedpyright")

    def layers(self) -> None:
        self._tool("lint-imports")

    def tests(self) -> None:
        """Tests, the doctests of src, and the code blocks of the pages, all under coverage."""
        self._tool("coverage", "erase")
        pages = [name for name in ("README.md", "docs") if (HOME / name).exists()]
        # One file stays in one process: the blocks of a page build on each other. Files keep their order: put in the
        # order of their sizes, those with few and long tests would come last, and one process would wait for them.
        # The plugin is imported before pytest-cov could start. So coverage starts first.
        command = [
            "coverage",
            "run",
            "-m",
            "pytest",
            "-n",
            "2",
            "--dist",
            "loadfile",
            "--no-loadscope-reorder",
        ]
        command += ["--doctest-modules", "tests", "src", *pages]
        lines: list[str] = []
        code = self._stream(self._path(command[0]), *command[1:], lines=lines)
        self.tests_closing_line = next((line for line in reversed(lines) if line.startswith("=")), "")
        failed = ["pytest"] if code else []
        if self._stream(self._path("coverage"), "combine", "--quiet"):
            failed.append("coverage combine")
        reports = [
            ("overall", [f"--fail-under={COVERAGE_MIN}"]),
            ("of the core", ["--include=*/core/*", f"--fail-under={CORE_COVERAGE_MIN}"]),
        ]
        for name, options in reports:
            print(f"coverage {name}:", flush=True)
            if self._stream(self._path("coverage"), "report", *options):
                failed.append(f"coverage {name}")
        if failed:
            raise GateFailedError(", ".join(failed))

    def docs(self) -> None:
        target = HOME / "docs" / "_build"
        shutil.rmtree(target, ignore_errors=True)
        # One builder after another: nothing is cached, so every warning is seen.
        self._tool("sphinx-build", "-W", "-n", "-q", "-b", "html", "docs", str(target / "html"))

    def examples(self) -> None:
        """Each example runs as a script, in an empty folder, and must end by itself in time."""
        scripts = sorted((HOME / "examples").glob("*.py"))
        if not scripts:
            raise GateFailedError("there are no examples")
        failed: list[str] = []
        for script in scripts:
            started = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                try:
                    done = self._captured(
                        self._path("python"), script, folder=folder, seconds_max=EXAMPLE_SECONDS_MAX
                    )
                    output, code = done.stdout, done.returncode
                except subprocess.TimeoutExpired as late:
                    output = late.stdout if isinstance(late.stdout, str) else (late.stdout or b"").decode()
                    code = f"not finished after {EXAMPLE_SECONDS_MAX} s"
            print(f"{script.name}: exit {code}, {time.monotonic() - started:.1f} s", flush=True)
            if code:
                print(output, flush=True)
                failed.append(script.name)
        if failed:
            raise GateFailedError(", ".join(failed))

    def wheel(self) -> None:
        """Build as for a release, install the wheel where `src` cannot be seen, and use it there."""
        with tempfile.TemporaryDirectory() as folder:
            self._quiet(self._path("python"), "-m", "build", "--outdir", folder, HOME)
            built = {path.suffix: path for path in Path(folder).iterdir()}
            for path in sorted(built.values()):
                print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB", flush=True)
            _make_environment(WHEEL_ENVIRONMENT)
            self._quiet(
                _program(WHEEL_ENVIRONMENT, "python"), "-m", "pip", "install", "--quiet",
                f"{built['.whl']}[cli,testing]",
            )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            code = self._stream(_program(WHEEL_ENVIRONMENT, "python"), "-c", SMOKE, folder=folder)
            if code:
                raise GateFailedError("import")
            self._quiet(_program(WHEEL_ENVIRONMENT, "callbackq"), "--help", folder=folder)
            shutil.copytree(HOME / "tests" / "wheel", Path(folder) / "wheel")
            self._quiet(_program(WHEEL_ENVIRONMENT, "python"), "-m", "pytest", "wheel", folder=folder)
            print("imported, asked for help, and tested by tests/wheel", flush=True)

    # ------------------------------------------------------------ running

    def _path(self, program: str) -> Path:
        return _program(CHECK_ENVIRONMENT, program)

    def _tool(self, program: str, *arguments: str) -> None:
        if self._stream(self._path(program), *arguments):
            raise GateFailedError(" ".join([program, *arguments[:1]]))

    def _stream(self, *command: str | Path, folder: str | Path = HOME, lines: list[str] | None = None) -> int:
        """Run *command*, show what it says while it says it, and return its exit code."""
        with subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
                if lines is not None:
                    lines.append(line.rstrip())
        return process.returncode

    def _captured(
        self, *command: str | Path, folder: str | Path, seconds_max: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds_max,
            check=False,
        )

    def _quiet(self, *command: str | Path, folder: str | Path = HOME) -> None:
        """Run *command*, and show what it said only if it failed."""
        done = self._captured(*command, folder=folder)
        if done.returncode:
            print(done.stdout, flush=True)
            raise GateFailedError(" ".join([Path(command[0]).name, *(str(part) for part in command[1:4])]))


GATES: dict[str, Callable[[Checks], None]] = {
    "format": Checks.format,
    "lint": Checks.lint,
    "mypy": Checks.mypy,
    "basedpyright": Checks.basedpyright,
    "layers": Checks.layers,
    "tests": Checks.tests,
    "docs": Checks.docs,
    "examples": Checks.examples,
    "wheel": Checks.wheel,
}


def _clean_environment() -> dict[str, str]:
    """Return the caller's environment, without what would let another Python or another copy in."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COVERAGE_", "PYTEST_")) and name not in {"PYTHONPATH", "PYTHONHOME"}
    }
    environment["VIRTUAL_ENV"] = str(CHECK_ENVIRONMENT)
    programs = _program(CHECK_ENVIRONMENT, "python").parent
    environment["PATH"] = os.pathsep.join([str(programs), environment.get("PATH", os.defpath)])
    environment["PYTHONUTF8"] = "1"
    data = HOME.parent / "shared" / "data"
    if data.is_dir():
        environment.setdefault("CALLBACKQ_DATA", str(data))
    return environment


def _program(environment: Path, name: str) -> Path:
    if os.name == "nt":
        return environment / "Scripts" / f"{name}.exe"
    return environment / "bin" / name


def _make_environment(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)


def _prepare(*, fresh: bool) -> None:
    """Make the environment of the gates, or use the one there is if what it holds is what is asked for."""
    stamp = CHECK_ENVIRONMENT / "made-from"
    made_from = hashlib.sha256((HOME / "pyproject.toml").read_bytes()).hexdigest() + f" {sys.version}"
    if not fresh and stamp.exists() and stamp.read_text(encoding="utf-8") == made_from:
        return
    started = time.monotonic()
    print(f"environment: {CHECK_ENVIRONMENT.name}, with what pyproject.toml names", flush=True)
    _make_environment(CHECK_ENVIRONMENT)
    subprocess.run(
        [_program(CHECK_ENVIRONMENT, "python"), "-m", "pip", "install", "-qq", "-e", ".[dev]"],
        cwd=HOME,
        env=_clean_environment(),
        check=True,
    )
    stamp.write_text(made_from, encoding="utf-8")
    print(f"environment: ready, {time.monotonic() - started:.1f} s", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=".ci/check.py", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="make the environment anew")
    parser.add_argument("--list", action="store_true", help="print the names of the gates, and end")
    parser.add_argument(
        "--only", action="append", choices=list(GATES), metavar="GATE", help="run this gate; may be repeated"
    )
    return parser.parse_args()


def main() -> int:
    """Run the gates that are asked for, whatever became of those before, and return 1 if any failed."""
    options = _options()
    if options.list:
        print("\n".join(GATES))
        return 0
    try:
        _prepare(fresh=options.fresh)
    except subprocess.CalledProcessError as error:
        print(f"environment: FAILED, pip ended with {error.returncode}")
        return 1
    checks = Checks()
    rows: list[tuple[str, str, float, str]] = []
    for name, gate in GATES.items():
        if options.only and name not in options.only:
            continue
        print(f"\n>>> {name}", flush=True)
        started, verdict, reason = time.monotonic(), "pass", ""
        try:
            gate(checks)
        except GateFailedError as failure:
            verdict, reason = "FAIL", str(failure)
        except Exception as error:  # A gate that cannot run has failed. The next ones still run.
            verdict, reason = "FAIL", f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - started
        rows.append((name, verdict, seconds, reason))
        print(f"<<< {name}: {verdict}, {seconds:.1f} s{'  ' + reason if reason else ''}", flush=True)

    print("\ngate          verdict  seconds")
    for name, verdict, seconds, reason in rows:
        print(f"{name:<13} {verdict:<8} {seconds:>7.1f}  {reason}".rstrip())
    failed = [name for name, verdict, _, _ in rows if verdict == "FAIL"]
    print(f"{len(rows) - len(failed)} of {len(rows)} gates passed")
    if checks.tests_closing_line:
        print(checks.tests_closing_line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
