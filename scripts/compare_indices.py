#!/usr/bin/env python3
"""Times all indices beside the package shapiq's exact computer, on the same tables, in one run.

    venv/bin/pip install shapiq==1.8.0
    venv/bin/python scripts/compare_indices.py [--players 12 16]

Needs Python 3.12 or newer, for that package, and cargo. A table is 2^n standard normal numbers. The exact computer is handed
the table as a function and evaluates all coalitions first, which is not timed; then one index is asked of a fresh one, which
is. The program's library is asked the same by its benches: `HARSANYI_INDICES=TABLE.npy cargo bench --no-default-features`,
the least of as many calls as fill a fifth of a second. Both run on one thread and are timed in seconds of processor time, so
that a busy machine does not count. The sums of all |values| must agree to 1e-6 relative, or it says so.

Beyond 12 players the fits (FSII, FBII, kADD-SHAP) of the exact computer form a dense 2^n × 2^n matrix, 2 GB at n = 14 and
34 GB at n = 16; they are asked up to --fit-players only.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import shapiq

FITS = {"FSII", "FBII", "kADD-SHAP"}
BITS = 1 << np.arange(64, dtype=np.int64)


def ours(table, workspace):
    """Seconds, order and sum of |values| of every index, by name."""
    command = ["cargo", "bench", "--no-default-features", "--bench", "main"]
    environment = os.environ | {"HARSANYI_INDICES": str(table)}
    environment.pop("PYTHONHOME", None)
    environment.pop("PYTHONPATH", None)
    lines = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=workspace).stdout
    found = (json.loads(line) for line in lines.splitlines() if line.startswith('{"index"'))
    return {entry["index"]: entry for entry in found}


def theirs(values, players, index, order):
    """Seconds of one call, and the sum of |values|."""

    def game(coalitions):
        return values[np.atleast_2d(coalitions).astype(np.int64) @ BITS[:players]]

    computer = shapiq.ExactComputer(game, n_players=players)
    start = time.process_time()
    found = computer(index, order)
    seconds = time.process_time() - start
    return seconds, sum(abs(value) for coalition, value in found.interactions.items() if len(coalition) > 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--players", type=int, nargs="+", default=[12, 16])
    parser.add_argument("--fit-players", type=int, default=12, help="the most players for which it is asked for its fits")
    parser.add_argument("--ours-only", type=int, nargs="*", default=[20], help="players for which only the program is timed")
    options = parser.parse_args()
    workspace = Path(__file__).resolve().parent.parent
    print(f"shapiq {shapiq.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; processor seconds, one thread")
    print(f"{'n':>2}  {'index':<12} {'order':>5} {'exact computer':>15} {'ours':>12} {'times':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for players in options.players + options.ours_only:
            values = np.random.default_rng(1000 + players).normal(size=1 << players)
            table = Path(folder) / "table.npy"
            np.save(table, values)
            for index, found in ours(table, workspace).items():
                order, our_seconds = found["order"], found["seconds"]
                start = f"{players:>2}  {index:<12} {order:>5}"
                if players in options.ours_only or (index in FITS and players > options.fit_players):
                    print(f"{start} {'-':>15} {our_seconds:>12.6f}", flush=True)
                    continue
                seconds, total = theirs(values, players, index, order)
                agrees = abs(total - found["sum"]) <= 1e-6 * total
                note = "" if agrees else f"  sums of |values| differ: {total} and {found['sum']}"
                print(f"{start} {seconds:>15.4f} {our_seconds:>12.6f} {seconds / our_seconds:>10,.0f}{note}", flush=True)


if __name__ == "__main__":
    main()
