#!/usr/bin/env python3
"""Makes the seeded Llama of about 25 million parameters that `compare_torch.py` times.

    python scripts/make_bench_model.py FOLDER

Width 512, inner width 1376, 7 layers, 8 heads, vocabulary 4,096, tied head: the shape that
`benches/trie.rs` makes for itself. `--width` and `--layers` make others; every layer then scales.
The weights are drawn uniformly within ±√(3 / inputs), the norms are ones.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--inner", type=int, default=1376)
    parser.add_argument("--layers", type=int, default=7)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    args = parser.parse_args()
    generator = torch.Generator().manual_seed(25)
    dtype = getattr(torch, args.dtype)

    def draw(*shape):
        spread = (3.0 / shape[-1]) ** 0.5
        return ((2 * torch.rand(shape, generator=generator) - 1) * spread).to(dtype)

    width, inner = args.width, args.inner
    weights = {
        "model.embed_tokens.weight": draw(args.vocabulary, width),
        "model.norm.weight": torch.ones(width, dtype=dtype),
    }
    for layer in range(args.layers):
        name = f"model.layers.{layer}.".__add__
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[name(f"{norm}.weight")] = torch.ones(width, dtype=dtype)
        for part in "qkvo":
            weights[name(f"self_attn.{part}_proj.weight")] = draw(width, width)
        for part in ("gate", "up"):
            weights[name(f"mlp.{part}_proj.weight")] = draw(inner, width)
        weights[name("mlp.down_proj.weight")] = draw(width, inner)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "hidden_act": "silu",
        "hidden_size": width,
        "intermediate_size": inner,
        "max_position_embeddings": 256,
        "model_type": "llama",
        "num_attention_heads": args.heads,
        "num_hidden_layers": args.layers,
        "num_key_value_heads": args.heads,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "torch_dtype": args.dtype,
        "vocab_size": args.vocabulary,
    }
    # A tokenizer of words w0, w1, …, so that the program takes the folder too.
    words = {f"w{index}": index for index in range(args.vocabulary)}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "w0"},
    }
    args.folder.mkdir(parents=True, exist_ok=True)
    (args.folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (args.folder / "tokenizer.json").write_text(json.dumps(tokenizer) + "\n")
    save_file(weights, args.folder / "model.safetensors", {"format": "pt"})
    print(f"{sum(tensor.numel() for tensor in weights.values()) / 1e6:.1f} M parameters")


if __name__ == "__main__":
    main()
