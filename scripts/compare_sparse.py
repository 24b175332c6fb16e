#!/usr/bin/env python3
"""Sparse recovery beside the shapiq package, on planted games and on real tables, in one run.

    venv/bin/pip install 'shapiq[sparse,proxy]==1.8.0' numpy
    venv/bin/python scripts/compare_sparse.py target/release/harsanyi --tables shared/games
    venv/bin/python scripts/compare_sparse.py target/release/harsanyi --planted 30:and:2000 100:andor:2000

Planted games: a constant and 40 terms of order 1 to 5 (probabilities 0.3, 0.3, 0.2, 0.1, 0.1) with standard normal
coefficients, all AND or half AND and half OR; `n:kind:budget[:noise]` with noise as a share of the standard deviation
of v. Tables: a folder of `NAME.f64` files of 2^n values, bit i of the index saying whether player i is present;
sentiment and image games are read as log-odds.

The figure is R² on coalitions that hold each player with probability one half: 4,000 new ones of a planted game
(without its noise), all of a table. A package's prediction is the sum of the values that it returns for all subsets.
Seconds are CPU seconds of the process on one thread, less the game's own; ours are those of the whole program, its
start, its files and the game included.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
import numpy as np

HELD_OUT = 4000


class Planted:
    """A planted game: a function of boolean rows, and the same in the program's notation."""

    def __init__(self, n, kind, seed, noise):
        rng = np.random.default_rng([n, kind == "andor", seed])
        self.n = n
        self.constant = rng.normal()
        self.terms = []
        for at in range(40):
            order = rng.choice([1, 2, 3, 4, 5], p=[0.3, 0.3, 0.2, 0.1, 0.1])
            players = sorted(rng.choice(n, size=order, replace=False).tolist())
            shape = "or" if kind == "andor" and at % 2 else "and"
            self.terms.append((shape, players, rng.normal()))
        self.noise, self.rng = 0.0, rng
        sample = rng.random((HELD_OUT, n)) < 0.5
        self.held_out = (sample, self.clean(sample))
        self.noise = noise * self.held_out[1].std()

    def clean(self, rows):
        values = np.full(len(rows), self.constant)
        for shape, players, coefficient in self.terms:
            part = rows[:, players]
            values += coefficient * (part.all(1) if shape == "and" else part.any(1))
        return values

    def __call__(self, rows):
        return self.clean(rows) + self.noise * self.rng.normal(size=len(rows))

    def expression(self):
        parts = [f"n={self.n}; {self.constant!r}"]
        for shape, players, coefficient in self.terms:
            parts.append(f"{coefficient:+.17g}*{shape}({','.join(map(str, players))})")
        if self.noise:
            parts.append(f"+ noise({self.noise:.17g},7)")
        return " ".join(parts)


class Table:
    """A table of all values."""

    def __init__(self, path):
        values = np.fromfile(path, dtype="<f8")
        if path.name.startswith("sentiment"):
            chance = np.where(values > 0, values, 1 + values)
            values = np.log(chance / (1 - chance))
        elif path.name.startswith("image"):
            values = np.log(values / (1 - values))
        self.values = values
        self.n = len(values).bit_length() - 1
        rows = (np.arange(len(values))[:, None] >> np.arange(self.n)) & 1
        self.held_out = (rows.astype(bool), values)

    def __call__(self, rows):
        return self.values[rows @ (1 << np.arange(self.n))]


class Timed:
    """A game as the package wants it, with the seconds that it took itself."""

    def __init__(self, game):
        self.game, self.seconds, self.asked = game, 0.0, 0

    def __call__(self, rows):
        start = time.process_time()
        rows = np.atleast_2d(np.asarray(rows)).astype(bool)
        values = self.game(rows)
        self.asked += len(rows)
        self.seconds += time.process_time() - start
        return values


def methods(n, budget):
    from shapiq import approximator as a

    rows = {
        "KernelSHAP-IQ 2": lambda: a.KernelSHAPIQ(n, 2, "k-SII", random_state=0),
        "FBII 2": lambda: a.RegressionFBII(n, 2, random_state=0),
        "ProxySHAP 2": lambda: a.ProxySHAP(n, max_order=2, index="k-SII", random_state=0),
        "ProxySPEX 5": lambda: a.ProxySPEX(
            n=n, max_order=5, index="FBII", hpo=False, random_state=0
        ),
    }
    if n * n * n / 6 < 6000:
        rows["FBII 3"] = lambda: a.RegressionFBII(n, 3, random_state=0)
    if n >= 30:
        rows["SPEX 5"] = lambda: a.SPEX(n=n, max_order=5, index="FBII", random_state=0)
    return rows


def predicted(values, rows):
    total = np.zeros(len(rows))
    for players, value in values.dict_values.items():
        total += value * rows[:, list(players)].all(1)
    return total


def r_squared(explained, values):
    return 1 - ((values - explained) ** 2).sum() / ((values - values.mean()) ** 2).sum()


def peers(game, budget, chosen):
    for name, build in methods(game.n, budget).items():
        if chosen and name not in chosen:
            continue
        timed = Timed(game)
        start = time.process_time()
        try:
            found = build().approximate(budget, timed)
        except Exception as error:  # a method that refuses is a row of the table
            yield name, None, None, f"{type(error).__name__}: {error}"[:60]
            continue
        seconds = time.process_time() - start - timed.seconds
        rows, values = game.held_out
        yield name, r_squared(predicted(found, rows), values), seconds, f"{timed.asked} asked"


def ours(program, game, budget, seed, method):
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(game, Planted):
            source = "synthetic:" + game.expression()
        else:
            path = Path(folder) / "table.npy"
            np.save(path, game.values)
            source = f"file:{path}"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [program, "sample", "--game", source, "--budget", str(budget), "--seed", str(seed)]
            + ["--method", method, "--threads", "1", "--format", "json", "-q", "-o", folder],
            capture_output=True,
            text=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            return None, None, done.stderr.strip()
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = json.loads((Path(folder) / "interactions.json").read_text())
        rows, values = game.held_out
        explained = np.full(len(rows), found["empty"])
        for kind, fires in (("and", np.all), ("or", np.any)):
            for term in found[kind]:
                explained += term["effect"] * fires(rows[:, term["players"]], axis=1)
        note = f"{found['method']}, {len(found['and'])} AND + {len(found['or'])} OR, " + (
            f"held out {found['held_out']['r2']:.4f} ± {found['held_out']['standard_error']:.4f}"
        )
        return r_squared(explained, values), seconds, note


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="path of harsanyi, or `none` for the package alone")
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--planted", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budgets", type=int, nargs="*", default=[500, 2000])
    parser.add_argument("--method", default="auto")
    parser.add_argument("--peers", nargs="*", help="only these, or `none`")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")

    games = []
    for spec in args.planted:
        n, kind, budget, *noise = spec.split(":")
        for seed in range(1, args.seeds + 1):
            game = Planted(int(n), kind, seed, float(noise[0]) if noise else 0.0)
            games.append((f"{spec} seed {seed}", game, int(budget), seed))
    if args.tables:
        for path in sorted(args.tables.glob("*.f64")):
            game = Table(path)
            for budget in args.budgets:
                if budget < len(game.values):
                    games.append((f"{path.stem} {budget}", game, budget, 0))

    for title, game, budget, seed in games:
        rows = []
        if args.program != "none":
            rows.append(("harsanyi", *ours(args.program, game, budget, seed, args.method)))
        if args.peers != ["none"]:
            rows.extend(peers(game, budget, args.peers))
        for name, score, seconds, note in rows:
            figures = "-" if score is None else f"R² {score:10.4f}  {seconds:7.2f} CPU s"
            print(f"{title:60} {name:16} {figures}  {note}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
