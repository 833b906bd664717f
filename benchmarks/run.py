"""
Run the benchmarks that are named, or all.

These are memory, sqlite, line, slots, limits, messages, opening, nodes, figures and imports.
"""

from __future__ import annotations

import sys

import bench_messages
import figures
import imports
import limits
import line
import memory
import nodes
import opening
import slots
import sqlite

GROUPS = {
    "memory": memory.run,
    "sqlite": sqlite.run,
    "line": line.run,
    "slots": slots.run,
    "limits": limits.run,
    "messages": bench_messages.run,
    "opening": opening.run,
    "nodes": nodes.run,
    "figures": figures.run,
    "imports": imports.run,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are: {', '.join(GROUPS)}")
        return 2
    for name in names or GROUPS:
        print(GROUPS[name](), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
