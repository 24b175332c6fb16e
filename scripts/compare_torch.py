#!/usr/bin/env python3
"""Times value tables beside the transformers library on PyTorch: the same prompts, one run, one table.

    pip install torch==2.15.0 transformers==5.23.0 numpy==2.4.6
    python scripts/make_bench_model.py llama-25m
    cargo bench --no-run --bench main            # prints where the binary is
    python scripts/compare_torch.py BINARY decoder:llama-25m encoder:MINILM … [--players 8 10 12]

`decoder:FOLDER` gets a random prompt of 64 tokens (`--tokens`) whose last five eighths belong to
the players, `encoder:FOLDER` a sample of three tokens a player between its first and last token.
Absent tokens become one token (`mask`), for encoders they are also left out (`remove`).

PyTorch runs all coalitions as batches of 64 sequences of one length, as a user would, in float32
without gradients, and of a decoder asks for the logits of the last position only
(`logits_to_keep=1`). With `--share S` it runs every S-th batch and the time is scaled. Ours is the
bench binary, plain and with shared prefixes. All get `--threads` threads and take turns; the
figures are medians of processor seconds, of short tables each the mean of many, because the system
counts in hundredths of a second. `memory` is the peak resident set of ours beyond what it
was before the table, with weights loaded.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import transformers

BATCH = 64


def sample(kind, players, tokens, vocabulary, seed=64):
    """Token ids and the player of each."""
    rng = np.random.default_rng(seed)
    if kind == "decoder":
        first = tokens * 3 // 8
        behind = tokens - first
        owner = [None] * first + [
            max(p for p in range(players) if p * behind // players <= at)
            for at in range(behind)
        ]
    else:
        owner = [None] + [at // 3 for at in range(3 * players)] + [None]
    ids = rng.integers(200, min(vocabulary, 20_000), len(owner)) if vocabulary > 1000 else (
        rng.integers(3, vocabulary, len(owner))
    )
    return [int(token) for token in ids], owner


def sequences(ids, owner, players, absent):
    """The sequence of every coalition."""
    for coalition in range(1 << players):
        present = [player is None or coalition >> player & 1 for player in owner]
        if absent is None:
            yield [token for token, here in zip(ids, present) if here]
        else:
            yield [token if here else absent for token, here in zip(ids, present)]


class Torch:
    """The library, with one set of threads."""

    def __init__(self, kind, folder):
        auto = {
            "decoder": transformers.AutoModelForCausalLM,
            "encoder": transformers.AutoModelForSequenceClassification,
        }[kind]
        self.kind = kind
        self.model = auto.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.inference_mode()
    def table(self, rows, target, share):
        """Values of every `share`-th batch, and processor seconds scaled to all."""
        lengths = defaultdict(list)
        for row, ids in enumerate(rows):
            lengths[len(ids)].append(row)
        batches = [
            group[start : start + BATCH]
            for group in lengths.values()
            for start in range(0, len(group), BATCH)
        ]
        chosen = batches[::share]
        done = sum(len(rows[row]) for batch in chosen for row in batch)
        values = {}
        start = time.process_time()
        for batch in chosen:
            ids = torch.tensor([rows[row] for row in batch])
            if self.kind == "decoder":
                logits = self.model(ids, use_cache=False, logits_to_keep=1).logits[:, -1]
            else:
                logits = self.model(ids).logits
            others = logits.double().clone()
            others[:, target] = -torch.inf
            odds = logits[:, target].double() - others.logsumexp(-1)
            values.update(zip(batch, odds.tolist()))
        seconds = time.process_time() - start
        return values, seconds * sum(map(len, rows)) / done


def ours(binary, job, threads):
    """What the bench binary reports of `job`, and its seconds: of short tables the mean of as many as take a second."""
    report = run(binary, job, threads)
    (seconds,) = report["cpu_seconds"]
    if seconds < 0.5:
        repeats = run(binary, job | {"rounds": min(1000, round(1 / max(seconds, 1e-3)))}, threads)
        seconds = statistics.mean(repeats["cpu_seconds"])
    return report, seconds


def run(binary, job, threads):
    """What the bench binary prints."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        environment = os.environ | {
            "HARSANYI_COMPARE": file.name,
            "RAYON_NUM_THREADS": str(threads),
        }
        done = subprocess.run([binary], env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def compare(kind, folder, players, args):
    """One line of the table for each way to be absent."""
    network = Torch(kind, folder)
    vocabulary = network.model.config.vocab_size
    ids, owner = sample(kind, players, args.tokens, vocabulary)
    absent = 103 if kind == "encoder" else 0
    target = 1
    for label, token in [("mask", absent)] + [("remove", None)] * (kind == "encoder"):
        rows = list(sequences(ids, owner, players, token))
        job = {
            "model": str(folder.resolve()),
            "ids": ids,
            "owner": owner,
            "absent": token,
            "target": target,
            "rounds": 1,
        }
        modes = {"decoder": [False, True], "encoder": [False]}[kind]
        if args.only_shared:
            modes = modes[-1:]
        seconds = defaultdict(list)
        for _ in range(args.rounds):
            for mode in modes:
                report, used = ours(args.binary, job | {"share_prefixes": mode}, args.threads)
                seconds[mode].append(used)
            if not args.no_torch:
                values, used = network.table(rows, target, args.share)
                seconds["torch"].append(used)
        median = {way: statistics.median(used) for way, used in seconds.items()}
        best = median[modes[-1]]
        off = float("nan")
        if not args.no_torch:
            off = max(abs(value - report["values"][row]) for row, value in values.items())
        counts = report["counts"]
        ratio = counts["token_positions_naive"] / counts["token_positions"]
        plain = median.get(False, float("nan"))
        torch_seconds = median.get("torch", float("nan"))
        memory = (report["kib_peak"] - report["kib_before"]) / 1024
        print(
            f"{folder.name:<14} {label:<7} {players:>3} {counts['token_positions']:>11} {ratio:>6.2f} "
            f"{torch_seconds:>9.2f} {plain:>9.2f} {best:>9.2f} {torch_seconds / best:>7.2f} "
            f"{plain / best:>7.2f} {100 * plain / best / ratio:>6.0f} % {memory:>7.0f} MB {off:>9.1e}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("models", nargs="+", help="decoder:FOLDER or encoder:FOLDER")
    parser.add_argument("--players", type=int, nargs="+", default=[8, 10, 12])
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=int, default=1, help="every how manieth batch PyTorch runs")
    parser.add_argument("--only-shared", action="store_true", help="ours with shared prefixes only")
    parser.add_argument("--no-torch", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {args.threads} threads")
    print(
        f"{'model':<14} {'absent':<7} {'n':>3} {'positions':>11} {'fewer':>6} {'torch s':>9} "
        f"{'plain s':>9} {'ours s':>9} {'torch/':>7} {'plain/':>7} {'of max':>8} {'memory':>10} {'differ':>9}"
    )
    for model in args.models:
        kind, _, folder = model.partition(":")
        for players in args.players:
            compare(kind, Path(folder), players, args)
    load = os.getloadavg()[0]
    print(f"seconds of processor time, medians of {args.rounds}; load of the machine {load:.1f}")


if __name__ == "__main__":
    main()
