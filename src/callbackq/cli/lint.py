"""`callbackq lint-texts`: whether texts advertise words that carriers act on, and in how many parts they go out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from callbackq.cli.common import new_table, page, print_json, refuse
from callbackq.errors import ConfigurationError
from callbackq.policy import Catalogue, Wording
from callbackq.policy.catalogue import BUILT_IN, built_in, read_catalogue
from callbackq.policy.linting import lengths_of, lint


def run(files: Sequence[Path], *, wording: Wording, as_json: bool) -> None:
    """Look at the files, or else at the built-in texts; end with code 1 if a word was found, 2 if a file is none."""
    catalogues = [_read(file) for file in files] or [
        built_in(language, wording=wording) for language in BUILT_IN
    ]
    findings = [found for catalogue in catalogues for found in lint(catalogue, wording=wording)]
    if as_json:
        print_json(
            {
                "wording": str(wording),
                "texts": [row for catalogue in catalogues for row in _rows(catalogue, wording)],
                "findings": [
                    {"language": one.language, "template": one.template, "word": one.word, "why": one.why}
                    for one in findings
                ],
            }
        )
    else:
        _show(catalogues, wording=wording, findings_count=len(findings))
    for found in findings:
        sys.stderr.write(f"{found}\n")
    if findings:
        raise typer.Exit(1)


def _read(file: Path) -> Catalogue:
    try:
        return read_catalogue(file)
    except OSError as error:
        refuse(f"{file} cannot be read: {error.strerror}.")
    except ConfigurationError as error:
        refuse(f"{file} holds no texts: {error}.")


def _rows(catalogue: Catalogue, wording: Wording) -> list[dict[str, Any]]:
    return [
        {
            "language": catalogue.language,
            "template": name,
            "encoding": str(found.encoding),
            "units": found.units,
            "segments": found.count,
        }
        for name, found in lengths_of(catalogue, wording=wording).items()
    ]


def _show(catalogues: Sequence[Catalogue], *, wording: Wording, findings_count: int) -> None:
    console = page()
    table = new_table(console)
    for heading in ("language", "template", "encoding"):
        table.add_column(heading, no_wrap=True)
    for heading in ("units", "segments"):
        table.add_column(heading, justify="right", style="cyan", no_wrap=True)
    for row in (row for catalogue in catalogues for row in _rows(catalogue, wording)):
        table.add_row(*map(str, row.values()))
    console.print("With the longest values in everything that a text may hold:")
    console.print(table)
    said = "No text advertises a word that carriers act on."
    console.print(f"[bold]Findings: {findings_count:,}[/bold]" if findings_count else said)
