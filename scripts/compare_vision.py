"""Masked forwards per second on a CIFAR ResNet, beside PyTorch on the same machine, batch and run.

    python scripts/compare_vision.py target/release/harsanyi MODEL_FOLDER IMAGE.png [--grid 3x4] [--threads 1]

Both evaluate the log-odds of one class on every coalition of the grid's cells,
absent cells being zero behind the normalization, and print coalitions per
second of wall time and of processor time, which other programs on the machine
disturb less. PyTorch runs in float32 in inference mode, batch norm not fused as
a user would have it, in both memory layouts and several batch sizes; the best
counts. The two tables must agree within 1e-3.
"""

import argparse
import json
import os
import resource
import subprocess
import time
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors.torch import load_file

from make_tiny_vision import CifarResNet


def ours(args, batch):
    words = [args.harsanyi, "tabulate", "--image", args.image, "--model", args.model, "--players", f"grid:{args.grid}",
             "--threads", str(args.threads), "--batch", str(batch), "--device", "cpu", "--format", "json", "--quiet"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    document = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    values, record = numpy.array(document["values"]), document["record"]
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return values, record["target"]["class"], record["seconds"]["tabulate"], processor


def network(folder):
    config = json.loads((folder / "config.json").read_text())
    net = CifarResNet(config["stage_channels"], config["blocks_per_stage"][0], config["num_classes"])
    missing, unexpected = net.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing)
    scale = lambda key: torch.tensor(config["input"][key]).view(3, 1, 1)
    return net.eval(), scale("mean"), scale("std")


def theirs(net, x, owner, target, batch, last):
    players = int(owner.max()) + 1
    layout = torch.channels_last if last else torch.contiguous_format
    net = net.to(memory_format=layout)
    bits = torch.arange(2**players)[:, None] >> torch.arange(players)[None] & 1
    values = []
    wall, processor = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        for rows in bits.split(batch):
            masked = x * rows[:, owner][:, None]
            logits = net(masked.to(memory_format=layout)).double()
            others = logits.clone()
            others[:, target] = -torch.inf
            values.append(logits[:, target] - others.logsumexp(1))
    return torch.cat(values).numpy(), time.perf_counter() - wall, time.process_time() - processor


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("harsanyi")
    parser.add_argument("model")
    parser.add_argument("image")
    parser.add_argument("--grid", default="3x4")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows, columns = map(int, args.grid.split("x"))
    net, mean, std = network(Path(args.model))
    pixels = torch.tensor(numpy.array(Image.open(args.image).convert("RGB"))).permute(2, 0, 1)
    x = (pixels / 255 - mean) / std
    cell = lambda length, cells: (torch.arange(1, length + 1) * cells - 1) // length
    owner = cell(x.shape[1], rows)[:, None] * columns + cell(x.shape[2], columns)[None]
    table, target, best = None, None, {}

    def note(name, batch, wall, processor, count):
        print(f"{name:<24} batch {batch:>4}: {count / wall:8.0f} coalitions/s, {count / processor:8.0f} per processor second")
        best[name] = max(best.get(name, 0), count / processor)

    # In turns, so that what else the machine does falls on both.
    for _ in range(args.repeat):
        for batch in (4, 16, 64):
            table, target, wall, processor = ours(args, batch)
            note("harsanyi", batch, wall, processor, len(table))
        for last in (False, True):
            for batch in (16, 64, 256):
                values, wall, processor = theirs(net, x, owner, target, batch, last)
                assert abs(values - table).max() < 1e-3, abs(values - table).max()
                note("torch, channels " + ("last" if last else "first"), batch, wall, processor, len(values))
    torch_best = max(rate for name, rate in best.items() if name.startswith("torch"))
    print(f"best per processor second: harsanyi {best['harsanyi']:.0f}, torch {torch_best:.0f}, ratio {best['harsanyi'] / torch_best:.2f}")
    print(f"{args.threads} threads, torch {torch.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
