#!/usr/bin/env python3
"""Loads what `harsanyi index` writes for the package shapiq in that package, and compares it with its own numbers.

    venv/bin/pip install shapiq==1.8.0
    venv/bin/python scripts/check_shapiq_export.py target/release/harsanyi

Needs Python 3.12 or newer, for that package. Every index of a random table of seven players is written up to order 1, 2 and 3
(what has one order only, to that; generalised values from 2 on, since
the package calls those of single players by other names), loaded by `InteractionValues.load`, and held against what `ExactComputer` says of the same
table: name, orders, players, baseline and every number, to 1e-9 (1e-7 for the fits that it makes with a penalty). Then an
estimate is loaded, and a file is written by the package from what it loaded and loaded again.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import shapiq

PLAYERS = 7
INDICES = {
    **dict.fromkeys(["SV", "BV"], [1]),
    **dict.fromkeys(["SII", "BII", "CHII", "STII", "k-SII", "FSII", "FBII", "kADD-SHAP", "JointSV"], [1, 2, 3]),
    **dict.fromkeys(["SGV", "BGV", "CHGV", "IGV", "EGV"], [2, 3]),
    **dict.fromkeys(["Moebius", "Co-Moebius", "Fourier"], [PLAYERS]),
}
PENALTY = {"FSII", "kADD-SHAP"}


def run(binary, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([binary, "index", *map(str, arguments)], check=True, capture_output=True, env=environment)


def main():
    binary = sys.argv[1]
    values = np.random.default_rng(7).normal(size=1 << PLAYERS)
    bits = 1 << np.arange(PLAYERS)

    def game(coalitions):
        return values[np.atleast_2d(coalitions).astype(int) @ bits]

    computer = shapiq.ExactComputer(game, n_players=PLAYERS)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        np.save(folder / "table.npy", values)
        path = folder / "found.json"
        checked = 0
        for index, orders in INDICES.items():
            for order in orders:
                run(binary, "--values", folder / "table.npy", "--index", index, "--order", order, "-o", path)
                loaded = shapiq.InteractionValues.load(path)
                expected = computer(index, order)
                for field in ["index", "max_order", "min_order", "n_players", "estimated"]:
                    ours, theirs = getattr(loaded, field), getattr(expected, field)
                    assert ours == theirs, f"{index}/{order}: {field} is {ours}, expected {theirs}"
                bound = 1e-7 if index in PENALTY else 1e-9
                assert abs(loaded.baseline_value - expected.baseline_value) < bound, f"{index}/{order}: baseline"
                for coalition in set(loaded.interactions) | set(expected.interactions):
                    ours, theirs = loaded[coalition], expected[coalition]
                    assert abs(ours - theirs) < bound, f"{index}/{order}: {coalition} is {ours}, expected {theirs}"
                checked += 1
        run(binary, "--values", folder / "table.npy", "--estimate", "kernel-shap", "--budget", 60, "-o", folder / "run")
        estimate = shapiq.InteractionValues.load(folder / "run" / "interaction_values.json")
        assert estimate.estimated and estimate.estimation_budget == 60 and len(estimate.interactions) == PLAYERS + 1
        estimate.save(folder / "again.json")
        again = shapiq.InteractionValues.load(folder / "again.json")
        assert again.interactions == estimate.interactions
    print(f"shapiq {shapiq.__version__} loads {checked} results of {len(INDICES)} indices, and an estimate")


if __name__ == "__main__":
    main()
