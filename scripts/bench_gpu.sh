#!/usr/bin/env bash
# Parity and speed on a machine with a GPU, one table.
#
#   scripts/bench_gpu.sh PROGRAM [DEVICE]
#
# PROGRAM is a build with `cuda` (scripts/build_cuda.sh). Python with torch, safetensors and numpy makes the models and reads the
# tables. Parity: a seeded model of 24 M parameters, n = 10, on the CPU in f32 beside DEVICE in f32, bf16 and f16. Speed: a seeded
# Llama of 1 B parameters in bf16, 64 tokens of which the last 40 belong to the players, n = 12, 16 and 20, beside the rate of
# a large product in PyTorch on the same card.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "$1")
device=${2:-cuda:0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 scripts/make_bench_model.py "$work/small"
python3 scripts/make_bench_model.py "$work/large" --width 2048 --inner 8192 --layers 15 --heads 32 --vocabulary 32000 --dtype bfloat16
python3 - "$program" "$device" "$work" <<'PY'
import json, os, subprocess, sys, time

import numpy as np
import torch

program, device, work = sys.argv[1:]
nvidia = subprocess.run(
    ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"],
    capture_output=True, text=True,
)
print(nvidia.stdout.strip())
rng = np.random.default_rng(64)
words = " ".join(f"w{word}" for word in rng.integers(1, 4000, 64))


def run(model, players, where, dtype):
    """The table and its record."""
    spans = os.path.join(work, "spans.json")
    bounds = [24 + player * 40 // players for player in range(players)] + [64]
    tokens = [{"tokens": [[bounds[p], bounds[p + 1]]]} for p in range(players)]
    with open(spans, "w") as file:
        json.dump({"players": tokens}, file)
    folder = os.path.join(work, f"{model}-{players}-{where}-{dtype}")
    command = [
        program, "tabulate", words, "--model", os.path.join(work, model), "--players", f"spans:{spans}",
        "--baseline", "token:0", "--target", "token:1", "--device", where, "--dtype", dtype, "-q", "-o", folder,
    ]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, "record.json")) as file:
        record = json.load(file)
    return np.load(os.path.join(folder, "values.npy")), record, time.perf_counter() - start


expected, _, _ = run("small", 10, "cpu", "f32")
print(f"{'what':<44} {'figure':>14}")
for dtype in ("f32", "bf16", "f16"):
    values, record, _ = run("small", 10, device, dtype)
    off = np.abs(values - expected).max()
    print(f"{'n = 10, ' + dtype + ', furthest from the CPU in f32':<44} {off:>14.2e}")
    print(f"{'  noise in its record':<44} {json.dumps(record.get('noise'))}")

a = torch.randn(16384, 2048, device="cuda", dtype=torch.bfloat16)
b = torch.randn(8192, 2048, device="cuda", dtype=torch.bfloat16)
for _ in range(3):
    a @ b.T
torch.cuda.synchronize()
start = time.perf_counter()
for _ in range(20):
    a @ b.T
torch.cuda.synchronize()
rate = 20 * 2 * 16384 * 2048 * 8192 / (time.perf_counter() - start)
print(f"{'matrix rate, bf16':<44} {rate / 1e12:>8.0f} TFLOP/s")
del a, b
torch.cuda.empty_cache()
# Parameters of the blocks: 4 of width², 3 of width · inner, 15 layers.
flop = 2 * 15 * (4 * 2048**2 + 3 * 2048 * 8192)
for players in (12, 16, 20):
    _, record, wall = run("large", players, device, "bf16")
    seconds = record["seconds"]["tabulate"]
    positions = record["counts"]["token_positions"]
    share = positions * flop / seconds / rate
    print(f"n = {players}: {positions} positions in {seconds:.2f} s, {positions / seconds:.3g} a second, {100 * share:.0f} % of the matrix rate; {wall:.1f} s in all")
PY
