#!/usr/bin/env python3
"""Sparse recovery beside the shapiq package, on planted games and on real tables, in one run.

    venv/bin/pip install 'shapiq[sparse,proxy]==1.8.0' numpy
    venv/bin/python scripts/compare_sparse.py --tables shared/games --save figures.jsonl
    venv/bin/python scripts/compare_sparse.py --planted 30:and:2000 100:andor:2000 --save figures.jsonl
    venv/bin/python scripts/compare_sparse.py --show figures.jsonl

Planted games: a constant and 40 terms of order 1 to 5 (probabilities 0.3, 0.3, 0.2, 0.1, 0.1) with standard normal
coefficients, all AND or half AND and half OR; `n:kind:budget[:noise]` with noise as a share of the standard deviation
of v. Tables: a folder of `NAME.f64` files of 2^n values, bit i of the index saying whether player i is present;
sentiment and image games are read as log-odds.

The figure is R² on coalitions that hold each player with probability one half: 4,000 new ones of a planted game
(without its noise), all of a table. A package's prediction is the sum of the values that it returns for all subsets.
Seconds are CPU seconds on one thread of the call that recovers: of the package's `approximate`, less the game's own and
what SPEX compiles when it is called first, the middle one of three calls where they are quick; of ours `recover`, the
middle one of nine times eight calls, or the first call where that is slow, by the benches of this repository. --show prints
a row for each game: beside ours the method of the package that explains most, and the quickest that explains anything.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

# LightGBM asks for a thread per core whatever OMP_NUM_THREADS says, and idle ones spin.
for variable in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
import numpy as np

HELD_OUT = 4000
WARM = set()


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


def methods(n):
    """What the package offers that predicts v, by name; the number is the highest order.

    Left out are estimators of single players, and SVARM-IQ, which is slower and explains less than the others.
    """
    from shapiq import approximator as a

    rows = {
        "PermutationSII 2": lambda: a.PermutationSamplingSII(n, 2, "k-SII", random_state=0),
        "SHAP-IQ 2": lambda: a.SHAPIQ(n, 2, "k-SII", random_state=0),
        "KernelSHAP-IQ 2": lambda: a.KernelSHAPIQ(n, 2, "k-SII", random_state=0),
        "FSII 2": lambda: a.RegressionFSII(n, 2, random_state=0),
        "FBII 2": lambda: a.RegressionFBII(n, 2, random_state=0),
        "ProxySHAP 2": lambda: a.ProxySHAP(n, max_order=2, index="k-SII", random_state=0),
        "ProxySHAP FBII 5": lambda: a.ProxySHAP(n, max_order=5, index="FBII", random_state=0),
        "ProxySPEX 5": lambda: a.ProxySPEX(n=n, max_order=5, index="FBII", hpo=False, random_state=0),
        "ProxySPEX 5 tuned": lambda: a.ProxySPEX(n=n, max_order=5, index="FBII", random_state=0),
        "SPEX 5": lambda: a.SPEX(n=n, max_order=5, index="FBII", random_state=0),
    }
    if n <= 30:
        rows["FBII 3"] = lambda: a.RegressionFBII(n, 3, random_state=0)
    if n > 100:  # normal equations of 125,251 unknowns and more
        for name in ("KernelSHAP-IQ 2", "FSII 2", "FBII 2", "SHAP-IQ 2"):
            del rows[name]
    return rows


def ready():
    """What the proxies need in place of which they would quietly take a single tree, and SPEX compiled."""
    import lightgbm
    import xgboost  # noqa: F401

    class Silent:
        def info(self, message):
            pass

        warning = info

    lightgbm.register_logger(Silent())


def predicted(values, rows):
    total = np.zeros(len(rows))
    for players, value in values.dict_values.items():
        total += value * rows[:, list(players)].all(1)
    return total


def r_squared(explained, values):
    return 1 - ((values - explained) ** 2).sum() / ((values - values.mean()) ** 2).sum()


def peers(game, budget, chosen):
    for name, build in methods(game.n).items():
        if chosen and name not in chosen:
            continue
        if name == "SPEX 5" and name not in WARM:
            # The first call compiles for the better part of a minute; that is not counted.
            WARM.add(name)
            build().approximate(budget, game)
        times = []
        try:
            # Of quick calls the middle one of three.
            while len(times) < (3 if not times or times[0] < 0.5 else 1):
                timed = Timed(game)
                start = time.process_time()
                found = build().approximate(budget, timed)
                times.append(time.process_time() - start - timed.seconds)
        except Exception as error:  # a method that refuses is a row of the table
            yield name, None, None, f"{type(error).__name__}: {error}"[:60]
            continue
        seconds = sorted(times)[len(times) // 2]
        rows, values = game.held_out
        yield name, r_squared(predicted(found, rows), values), seconds, f"{timed.asked} asked"


def ours(game, budget, seed):
    """What `recover` of this repository's library finds, by its benches."""
    workspace = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(game, Planted):
            source = "synthetic:" + game.expression()
        else:
            source = Path(folder) / "table.npy"
            np.save(source, game.values)
        environment = os.environ | {"HARSANYI_SPARSE": f"{budget} {seed} {source}"}
        command = ["cargo", "bench", "-q", "--no-default-features", "--bench", "main"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=workspace)
    found = next(json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"method"'))
    rows, values = game.held_out
    explained = np.full(len(rows), found["constant"])
    for kind, players, effect in found["terms"]:
        part = rows[:, players]
        explained += effect * (part.all(1) if kind == "and" else part.any(1))
    note = f"{found['method']}, {len(found['terms'])} terms, " + (
        f"held out {found['held_out']:.4f} ± {found['standard_error']:.4f}"
    )
    return r_squared(explained, values), found["seconds"], note


def show(lines):
    """Prints a row per game: ours, the method of the package with the highest R², and its quickest with an R² above 0."""
    games = {}
    for line in lines:
        row = json.loads(line)
        if row["r2"] is not None:
            games.setdefault(row["game"], {})[row["method"]] = (row["r2"], row["seconds"])
    print("| game, values | ours: R² | s | best of the package | R² | s | its s / ours | its quickest | R² | s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for game, rows in games.items():
        own = rows.pop("harsanyi", None)
        if own is None or not rows:
            continue
        best = max(rows, key=lambda name: rows[name][0])
        quick = min((name for name in rows if rows[name][0] > 0), key=lambda name: rows[name][1], default=best)
        (best_r2, best_s), (quick_r2, quick_s) = rows[best], rows[quick]
        print(
            f"| {game} | {own[0]:.4f} | {own[1]:.3f} | {best} | {best_r2:.4f} | {best_s:.3f} "
            f"| {best_s / own[1]:.1f} | {quick} | {quick_r2:.4f} | {quick_s:.3f} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--planted", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budgets", type=int, nargs="*", default=[500, 2000])
    parser.add_argument("--peers", nargs="*", help="only these of the package, or `none`")
    parser.add_argument("--no-ours", action="store_true", help="the package alone")
    parser.add_argument("--save", type=Path, help="a file that every figure is appended to, as a line of JSON")
    parser.add_argument("--show", type=Path, help="print the table of such a file and do nothing else")
    args = parser.parse_args()
    if args.show:
        show(args.show.read_text().splitlines())
        return
    warnings.filterwarnings("ignore")
    if args.peers != ["none"]:
        ready()

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
        if not args.no_ours:
            rows.append(("harsanyi", *ours(game, budget, seed)))
        if args.peers != ["none"]:
            rows = itertools.chain(rows, peers(game, budget, args.peers))
        for name, score, seconds, note in rows:
            figures = "-" if score is None else f"R² {score:10.4f}  {seconds:8.3f} CPU s"
            print(f"{title:60} {name:16} {figures}  {note}", flush=True)
            if args.save:
                row = {"game": title, "method": name, "r2": score, "seconds": seconds, "note": note}
                with args.save.open("a") as file:
                    file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    sys.exit(main())
