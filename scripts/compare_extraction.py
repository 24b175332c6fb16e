#!/usr/bin/env python3
"""Times the extraction beside the published gradient rule, on the same tables, in one run.

    venv/bin/pip install torch==2.15.0 numpy==2.4.6
    venv/bin/python scripts/compare_extraction.py target/release/harsanyi TABLE.npy [TABLE.npy …]

A table is a float64 `.npy` of 2^n values, bit i of the index saying whether player i is present.

The published rule: AND effects of v/2 + p and OR effects of v/2 − p by dense single-precision
2^n × 2^n matrices; p starts at 0 and minimises the sum of all absolute effects by subgradient
descent with momentum 0.9, at a rate that falls by a decade log-linearly over the iterations; the
last iterate is the answer. Building the matrices is not timed. With `--iterations` below 10,000
the printed time is scaled up to 10,000 and marked with ~; its schedule is then that of a run of so
few iterations.

The program: `harsanyi profile --game file:TABLE --fit exact --gap GAP`, the seconds that its own
record gives the extraction. Both get the same number of threads and take turns; medians are
printed, and how busy the machine was.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

import numpy as np
import torch

PUBLISHED_ITERATIONS = 10_000


def kronecker_power(block, players):
    """The Kronecker power of a 2×2 matrix."""
    out = torch.ones(1, 1)
    for _ in range(players):
        out = torch.kron(block, out)
    return out.contiguous()


def published_rule(values, rate, iterations):
    """Returns the sum of |effects| over non-empty sets, and the seconds of the descent."""
    v = torch.tensor(values - values[0], dtype=torch.float32)
    players = len(v).bit_length() - 1
    to_and = kronecker_power(torch.tensor([[1.0, 0.0], [-1.0, 1.0]]), players)
    # An OR effect is minus the AND effect of the game seen from the complement; the constant keeps its sign.
    to_or = -to_and.flip(1).contiguous()
    to_or[0] = 0.0
    to_or[0, 0] = 1.0
    p = torch.zeros_like(v, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=rate, momentum=0.9)

    def effects():
        return to_and @ (v / 2 + p), to_or @ (v / 2 - p)

    start = time.perf_counter()
    for iteration in range(iterations):
        for group in optimizer.param_groups:
            group["lr"] = rate * 0.1 ** (iteration / max(iterations - 1, 1))
        a, o = effects()
        loss = a.abs().sum() + o.abs().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    seconds = time.perf_counter() - start
    with torch.no_grad():
        a, o = effects()
        return (a[1:].abs().sum() + o[1:].abs().sum()).item(), seconds


def program(binary, table, gap, threads):
    """Returns the L1 norm that the program proves to be within `gap`, and its seconds."""
    command = [binary, "profile", "--game", f"file:{table}", "--fit", "exact", "--gap", str(gap)]
    command += ["--threads", str(threads), "--format", "json", "--no-progress"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found["interactions"]["l1"], found["record"]["seconds"]["extract"]


def load():
    """The load of the last minute."""
    return os.getloadavg()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--iterations", type=int, default=PUBLISHED_ITERATIONS)
    parser.add_argument("--rate", type=float, default=1e-5, help="of the published rule, at its start")
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--repeats", type=int, default=3, help="of the published rule; the program runs five times in each")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    scale = PUBLISHED_ITERATIONS / options.iterations
    print(f"{os.cpu_count()} cores, load {load():.1f} at the start; rule: rate {options.rate:g}, {options.iterations} iterations")
    print("table            threads  rule L1   rule s     ours L1   ours s   times faster  L1 ratio  load")
    for table in options.tables:
        values = np.load(table)
        for threads in options.threads:
            torch.set_num_threads(threads)
            rule, ours = [], []
            for _ in range(options.repeats):
                rule.append(published_rule(values, options.rate, options.iterations))
                ours += [program(options.binary, table, options.gap, threads) for _ in range(5)]
            rule_seconds = statistics.median(seconds for _, seconds in rule) * scale
            our_seconds = statistics.median(seconds for _, seconds in ours)
            rule_norm, our_norm = rule[-1][0], ours[-1][0]
            name = os.path.basename(table).removesuffix(".npy")
            mark = " " if scale == 1 else "~"
            print(
                f"{name:<16} {threads:>7} {rule_norm:>8.2f} {mark}{rule_seconds:>7.2f} {our_norm:>11.3f} {our_seconds:>8.5f}"
                f" {mark}{rule_seconds / our_seconds:>12,.0f} {rule_norm / our_norm:>9.3f} {load():>5.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
