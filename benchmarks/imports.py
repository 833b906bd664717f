"""What `import callbackq` costs beside the dependencies that it loads."""

from __future__ import annotations

import subprocess
import sys

from harness import median_us, table

LOADED = "import attrs, sortedcontainers, sqlite3, logging, threading"


def cost_ms(code: str) -> float:
    """Return the median time of a whole process that runs *code*."""

    def work() -> int:
        subprocess.run([sys.executable, "-c", code], check=True)
        return 1

    return median_us(work, runs=9) / 1000


def run() -> str:
    nothing, loaded, ours = cost_ms("pass"), cost_ms(LOADED), cost_ms("import callbackq")
    rows = [
        ["python itself", f"{nothing:.0f}"],
        ["its dependencies", f"{loaded - nothing:.0f}"],
        ["import callbackq, in all", f"{ours - nothing:.0f}"],
    ]
    return table("Import (ms, whole processes less the empty one)", ["", "ms"], rows)
