r"""Make the tiny checkpoints of `tests/fixtures/tiny` and their golden logits.

Every folder holds one seeded random network in the layout of the Hugging Face
hub (`config.json`, `model.safetensors`, `tokenizer.json`,
`tokenizer_config.json`) and `golden.json`, what `transformers` computes with
it. Made by, from the root of the repository and with Python 3.11,

    pip install torch==2.15.0 transformers==5.23.0 tokenizers==0.23.3 \
        safetensors==0.8.0 huggingface-hub==2.4.0
    OMP_NUM_THREADS=1 python scripts/make_tiny_models.py

The tokenizers are real but small: 128 tokens, from the sentences below. A
second run on the same machine gives the same bytes; another processor may
change last digits, of the weights too.

The golden logits are float64 throughout. `model.double()` is not enough for
that: transformers computes the RoPE tables, RMSNorm and the attention softmax
in float32 by name. `in_double` makes those names mean float64 while the
rotary module is built and the network runs, so that the library's own code is
executed, and a dispatch mode asserts that no operation yields less than
float64. The result must lie within 1e-5 of the unpatched one.

`golden.json` is `{"made_with", "dtype", "cases"}`. A case has

- `text`: what the tokenizer was given, null if the ids are not its encoding;
- `ids`: the token ids, special tokens included;
- `positions`: `position_ids` as handed to the model, null for its default
  (RoBERTa's are rows of its table, so its first token has 2);
- `logits`: at the last position, or of the classes;
- `all_logits` (one decoder case): at the last three positions;
- `attention_mask` (one encoder case): zeros in the middle. It equals the case
  whose `ids` lack those tokens and whose `positions` have gaps.

Two folders also hold tensors that no network needs, as older checkpoints do:
`rotary_emb.inv_freq` (llama-sharded-bf16) and `position_ids` (bert-f16).
"""

import argparse
import itertools
import json
import math
import re
import zlib
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import ascii_letters, ascii_lowercase, digits
from unittest import mock

import torch
import transformers
from huggingface_hub import save_torch_state_dict
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

OUT = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "tiny"
VOCABULARY = 128

# What the tokenizers are trained on.
SENTENCES = """\
The old lamp in the hall burns all night.
She walked to the river and sat under a tree.
A small boat came down with two men and a dog.
They had bread, cheese and a little wine.
It was the best meal of the whole summer.
The film was slow, but the last scene was great.
I did not like the music at all.
He said that the story was not bad.
Why do the birds sing before the sun is up?
Nobody knows, and nobody asks them.
The train from the north was late again.
We waited on the platform for an hour.
Rain fell on the roof of the station.
Her brother writes letters to the paper.
Most of them are never printed.
The garden is green in spring and brown in autumn.
Every house in the street has a red door.
The cook put salt, pepper and lemon on the fish.
Children played in the water until it was dark.
You should read this book once more.
There is nothing better than a warm bed in winter.
Some say that the king was kind; others say that he was cruel.
Turn left at the church, then walk past the school.
The answer to the question was forty two.
""".splitlines()

# What the networks are asked, cut to the wanted number of tokens.
PROMPTS = """\
The film was not bad, but the story of the old king was better than the music.
A red boat waited under the tree while the children sang to the birds in the rain.
I never knew that letters from the north could be so kind and so cruel at once.
Nobody in the house likes the cook, and yet the fish was the best meal of the year.
""".splitlines()


@dataclass(frozen=True)
class Family:
    """One folder: its configuration and how its files are written."""

    config: dict
    tokenizer: str
    weights: str
    dtype: torch.dtype = torch.float32
    shard_size: str = "1MB"
    # Places of the 16-token prompt that the case with `positions` keeps.
    kept: tuple[int, ...] = (0, 2, 3, 6, 7, 11, 15)
    # What names of tensors begin with here, and in published checkpoints.
    renamed: tuple[str, str] = ("", "")

    @property
    def is_decoder(self):
        return "SequenceClassification" not in self.config["architectures"][0]


def decoder(architecture, **keys):
    """The configuration of a decoder; a key given as `...` is left out."""
    config = {
        "architectures": [f"{architecture}ForCausalLM"],
        "model_type": architecture.lower(),
        "hidden_act": "silu",
        "hidden_size": 32,
        "intermediate_size": 48,
        "max_position_embeddings": 128,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "use_cache": True,
        "vocab_size": VOCABULARY,
        **keys,
    }
    return {key: value for key, value in config.items() if value is not ...}


def classifier(architecture, labels, **keys):
    """The configuration of a sequence classifier."""
    return {
        "architectures": [f"{architecture}ForSequenceClassification"],
        "model_type": architecture.lower(),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
        "torch_dtype": "float32",
        "vocab_size": VOCABULARY,
        **keys,
    }


def bert_shape(**keys):
    """Keys that BERT and RoBERTa share."""
    return {
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "position_embedding_type": "absolute",
        **keys,
    }


BOS_EOS = {"bos_token_id": 1, "eos_token_id": 2}
SENTIMENTS = ["negative", "neutral", "positive"]

# Llama 2: an untied head, no `head_dim`, no scaling of RoPE.
LLAMA = decoder("Llama", **BOS_EOS, attention_bias=False, rope_scaling=None)

# Llama 3, with biases. Of the wavelengths 6.3, 19.9, 62.8 and 198.7 the first
# is kept, the second interpolated and the others divided by 8. The large eps
# shows if it is ignored.
LLAMA3 = decoder(
    "Llama",
    **BOS_EOS,
    attention_bias=True,
    head_dim=8,
    hidden_size=24,
    mlp_bias=True,
    rms_norm_eps=0.01,
    rope_scaling={
        "factor": 8.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 32,
        "rope_type": "llama3",
    },
    rope_theta=100.0,
    tie_word_embeddings=True,
)

# The old key `type`, and `rope_theta` left to its default.
LLAMA_LINEAR = decoder(
    "Llama",
    **BOS_EOS,
    num_hidden_layers=3,
    rope_scaling={"type": "linear", "factor": 2.0},
    rope_theta=...,
    tie_word_embeddings=True,
)

MISTRAL = decoder("Mistral", **BOS_EOS, sliding_window=6)

# As published, with a window that `use_sliding_window` turns off.
QWEN2 = decoder(
    "Qwen2",
    bos_token_id=0,
    eos_token_id=0,
    max_window_layers=1,
    rms_norm_eps=1e-6,
    rope_theta=1000000.0,
    sliding_window=4,
    tie_word_embeddings=True,
    use_sliding_window=False,
)

# As transformers 5 writes it: `rope_parameters` and `dtype`.
QWEN3 = decoder(
    "Qwen3",
    attention_bias=False,
    bos_token_id=None,
    dtype="float32",
    eos_token_id=0,
    head_dim=8,
    hidden_size=24,
    layer_types=["full_attention", "full_attention"],
    max_window_layers=2,
    rms_norm_eps=1e-6,
    rope_parameters={"rope_theta": 1000.0, "rope_type": "default"},
    rope_theta=...,
    sliding_window=None,
    torch_dtype=...,
    use_sliding_window=False,
)

GEMMA = decoder(
    "Gemma",
    **BOS_EOS,
    head_dim=12,
    hidden_act="gelu_pytorch_tanh",
    num_key_value_heads=1,
    rms_norm_eps=1e-6,
    tie_word_embeddings=...,
)

# Caps small enough to bend the scores and the logits; the even layer slides.
GEMMA2 = decoder(
    "Gemma2",
    **BOS_EOS,
    attn_logit_softcapping=3.0,
    final_logit_softcapping=8.0,
    head_dim=8,
    hidden_act=...,
    hidden_activation="gelu_pytorch_tanh",
    query_pre_attn_scalar=5,
    rms_norm_eps=1e-6,
    sliding_window=6,
    tie_word_embeddings=...,
)

# As first published: two thetas, scaling in the full layer only, two layers
# that slide.
GEMMA3 = decoder(
    "Gemma3",
    **BOS_EOS,
    head_dim=12,
    hidden_act=...,
    hidden_activation="gelu_pytorch_tanh",
    model_type="gemma3_text",
    num_hidden_layers=3,
    query_pre_attn_scalar=10,
    rms_norm_eps=1e-6,
    rope_local_base_freq=50.0,
    rope_scaling={"factor": 2.0, "rope_type": "linear"},
    rope_theta=1000.0,
    sliding_window=6,
    sliding_window_pattern=3,
    tie_word_embeddings=...,
)

# Three quarters of each head are rotated, each frequency scaled by its own
# factor; the prompts are shorter than `original_max_position_embeddings`.
PHI3 = decoder(
    "Phi3",
    **BOS_EOS,
    max_position_embeddings=128,
    original_max_position_embeddings=64,
    pad_token_id=2,
    partial_rotary_factor=0.75,
    rope_scaling={
        "long_factor": [2.0, 4.0, 8.0],
        "short_factor": [1.0, 1.25, 1.7],
        "type": "longrope",
    },
    sliding_window=64,
)

OLMO2 = decoder("Olmo2", attention_bias=False, bos_token_id=None, eos_token_id=0)

GRANITE = decoder(
    "Granite",
    attention_bias=False,
    attention_multiplier=0.2,
    bos_token_id=0,
    embedding_multiplier=1.7,
    eos_token_id=0,
    logits_scaling=1.9,
    mlp_bias=False,
    residual_multiplier=0.6,
    tie_word_embeddings=True,
)

# As published: its own keys, nothing about tying, no inner width.
GPT2 = {
    "activation_function": "gelu_new",
    "architectures": ["GPT2LMHeadModel"],
    "bos_token_id": 0,
    "eos_token_id": 0,
    "layer_norm_epsilon": 1e-5,
    "model_type": "gpt2",
    "n_ctx": 64,
    "n_embd": 32,
    "n_head": 4,
    "n_layer": 2,
    "n_positions": 64,
    "torch_dtype": "float32",
    "vocab_size": VOCABULARY,
}

GPT_NEOX = {
    "architectures": ["GPTNeoXForCausalLM"],
    "bos_token_id": 0,
    "eos_token_id": 0,
    "hidden_act": "gelu",
    "hidden_size": 32,
    "intermediate_size": 48,
    "layer_norm_eps": 1e-5,
    "max_position_embeddings": 64,
    "model_type": "gpt_neox",
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "rotary_emb_base": 100,
    "rotary_pct": 0.25,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
    "use_parallel_residual": True,
    "vocab_size": VOCABULARY,
}

OPT = {
    "activation_function": "relu",
    "architectures": ["OPTForCausalLM"],
    "bos_token_id": 2,
    "do_layer_norm_before": True,
    "eos_token_id": 2,
    "ffn_dim": 48,
    "hidden_size": 32,
    "max_position_embeddings": 64,
    "model_type": "opt",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "pad_token_id": 1,
    "torch_dtype": "float32",
    "vocab_size": VOCABULARY,
    "word_embed_proj_dim": 32,
}

PHI = decoder(
    "Phi",
    **BOS_EOS,
    hidden_act="gelu_new",
    layer_norm_eps=1e-5,
    num_key_value_heads=None,
    partial_rotary_factor=0.5,
    qk_layernorm=False,
    rms_norm_eps=...,
)

STARCODER2 = decoder(
    "Starcoder2",
    bos_token_id=0,
    eos_token_id=0,
    hidden_act="gelu_pytorch_tanh",
    norm_epsilon=1e-5,
    rms_norm_eps=...,
    sliding_window=6,
    tie_word_embeddings=...,
    use_bias=True,
)

STABLELM = decoder(
    "StableLm",
    bos_token_id=0,
    eos_token_id=0,
    layer_norm_eps=1e-5,
    partial_rotary_factor=0.25,
    qk_layernorm=False,
    rms_norm_eps=...,
    use_parallel_residual=False,
    use_qkv_bias=True,
)

# Mixtures of experts: four experts, two of them for each token.
MIXTRAL = decoder(
    "Mixtral",
    **BOS_EOS,
    intermediate_size=32,
    num_experts_per_tok=2,
    num_local_experts=4,
    sliding_window=None,
)

QWEN2_MOE = decoder(
    "Qwen2Moe",
    bos_token_id=0,
    decoder_sparse_step=1,
    eos_token_id=0,
    max_window_layers=2,
    model_type="qwen2_moe",
    moe_intermediate_size=24,
    norm_topk_prob=False,
    num_experts=4,
    num_experts_per_tok=2,
    shared_expert_intermediate_size=32,
    sliding_window=64,
    use_sliding_window=False,
)

QWEN3_MOE = decoder(
    "Qwen3Moe",
    attention_bias=False,
    bos_token_id=0,
    decoder_sparse_step=1,
    eos_token_id=0,
    head_dim=8,
    max_window_layers=2,
    mlp_only_layers=[],
    model_type="qwen3_moe",
    moe_intermediate_size=24,
    norm_topk_prob=True,
    num_experts=4,
    num_experts_per_tok=2,
    sliding_window=None,
    use_sliding_window=False,
)

# The first layer dense, the second of four experts and one shared.
DEEPSEEK2 = decoder(
    "DeepseekV2",
    attention_bias=False,
    bos_token_id=0,
    eos_token_id=0,
    first_k_dense_replace=1,
    kv_lora_rank=8,
    model_type="deepseek_v2",
    moe_intermediate_size=24,
    moe_layer_freq=1,
    n_group=1,
    n_routed_experts=4,
    n_shared_experts=1,
    norm_topk_prob=False,
    num_experts_per_tok=2,
    num_key_value_heads=4,
    q_lora_rank=None,
    qk_nope_head_dim=8,
    qk_rope_head_dim=4,
    # The norm within the attention has this one whatever the configuration says; published checkpoints have it in both places.
    rms_norm_eps=1e-6,
    rope_scaling={
        "beta_fast": 32,
        "beta_slow": 1,
        "factor": 4,
        "mscale": 0.707,
        "mscale_all_dim": 0.707,
        "original_max_position_embeddings": 32,
        "type": "yarn",
    },
    routed_scaling_factor=1.0,
    scoring_func="softmax",
    topk_group=1,
    topk_method="greedy",
    v_head_dim=8,
)

OLMO = decoder("Olmo", attention_bias=False, bos_token_id=0, clip_qkv=None, eos_token_id=0)

HELIUM = decoder(
    "Helium",
    **BOS_EOS,
    attention_bias=False,
    head_dim=8,
    mlp_bias=False,
)

FALCON = {
    "alibi": False,
    "architectures": ["FalconForCausalLM"],
    "attention_dropout": 0.0,
    "bias": False,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "hidden_dropout": 0.0,
    "hidden_size": 32,
    "initializer_range": 0.02,
    "layer_norm_epsilon": 1e-5,
    "model_type": "falcon",
    "multi_query": True,
    "new_decoder_architecture": False,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "parallel_attn": True,
    "torch_dtype": "float32",
    "use_cache": True,
    "vocab_size": VOCABULARY,
}

MPT = {
    "architectures": ["MptForCausalLM"],
    "attn_config": {"alibi": True, "attn_impl": "torch", "attn_type": "multihead_attention"},
    "d_model": 32,
    "expansion_ratio": 2,
    "max_seq_len": 64,
    "model_type": "mpt",
    "n_heads": 4,
    "n_layers": 2,
    "no_bias": True,
    "torch_dtype": "float32",
    "vocab_size": VOCABULARY,
}

BERT = classifier(
    "Bert",
    SENTIMENTS,
    **bert_shape(
        layer_norm_eps=0.01,
        max_position_embeddings=64,
        pad_token_id=0,
        type_vocab_size=2,
    ),
)

DISTILBERT = classifier(
    "DistilBert",
    ["NEGATIVE", "POSITIVE"],
    activation="gelu",
    attention_dropout=0.1,
    dim=32,
    dropout=0.1,
    hidden_dim=48,
    max_position_embeddings=64,
    n_heads=4,
    n_layers=2,
    pad_token_id=0,
    seq_classif_dropout=0.2,
    sinusoidal_pos_embds=False,
)

ROBERTA = classifier(
    "Roberta",
    SENTIMENTS,
    **bert_shape(
        bos_token_id=0,
        eos_token_id=2,
        layer_norm_eps=1e-5,
        max_position_embeddings=66,
        pad_token_id=1,
        type_vocab_size=1,
    ),
)

FAMILIES = {
    "llama": Family(LLAMA, "llama", "llama"),
    "llama3": Family(LLAMA3, "llama", "llama3"),
    "llama-linear": Family(LLAMA_LINEAR, "llama", "llama-linear"),
    "llama-sharded-bf16": Family(
        LLAMA | {"torch_dtype": "bfloat16"}, "llama", "llama", torch.bfloat16, "18KB"
    ),
    # A window counts the tokens given, so keep tokens that lie within one.
    "mistral": Family(MISTRAL, "llama", "mistral", kept=(0, 2, 3, 5)),
    "qwen2": Family(QWEN2, "qwen", "qwen2"),
    "qwen3": Family(QWEN3, "qwen", "qwen3"),
    "gemma": Family(GEMMA, "llama", "gemma"),
    "gemma2": Family(GEMMA2, "llama", "gemma2", kept=(0, 2, 3, 5)),
    "gemma3": Family(GEMMA3, "llama", "gemma3", kept=(0, 2, 3, 5)),
    "phi3": Family(PHI3, "llama", "phi3"),
    "olmo2": Family(OLMO2, "qwen", "olmo2"),
    "granite": Family(GRANITE, "qwen", "granite"),
    "gpt2": Family(GPT2, "qwen", "gpt2", renamed=("transformer.", "")),
    "gpt-neox": Family(
        GPT_NEOX, "qwen", "gpt-neox", renamed=("lm_head.", "embed_out.")
    ),
    "gpt-neox-serial": Family(
        GPT_NEOX | {"use_parallel_residual": False},
        "qwen",
        "gpt-neox",
        renamed=("lm_head.", "embed_out."),
    ),
    "opt": Family(OPT, "llama", "opt"),
    "phi": Family(PHI, "qwen", "phi"),
    "starcoder2": Family(STARCODER2, "qwen", "starcoder2", kept=(0, 2, 3, 5)),
    "stablelm": Family(STABLELM, "qwen", "stablelm"),
    "mixtral": Family(MIXTRAL, "llama", "mixtral"),
    "qwen2-moe": Family(QWEN2_MOE, "qwen", "qwen2-moe"),
    "qwen3-moe": Family(QWEN3_MOE, "qwen", "qwen3-moe"),
    "deepseek2": Family(DEEPSEEK2, "qwen", "deepseek2"),
    "olmo": Family(OLMO, "qwen", "olmo"),
    "helium": Family(HELIUM, "llama", "helium"),
    "falcon": Family(FALCON, "qwen", "falcon"),
    "mpt": Family(MPT, "qwen", "mpt"),
    "bert": Family(BERT, "bert", "bert"),
    "bert-f16": Family(
        BERT | {"torch_dtype": "float16"}, "bert", "bert", torch.float16
    ),
    "distilbert": Family(DISTILBERT, "bert", "distilbert"),
    "roberta": Family(ROBERTA, "roberta", "roberta"),
}

# The special tokens, in the order of their ids.
SPECIAL = {
    "llama": ["<unk>", "<s>", "</s>"],
    "qwen": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "bert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    "roberta": ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)],
}

TOKENIZER_CONFIG = {
    "llama": {
        "add_bos_token": True,
        "add_eos_token": False,
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": None,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
    },
    "qwen": {
        "bos_token": None,
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": None,
    },
    "bert": {
        "cls_token": "[CLS]",
        "do_lower_case": True,
        "mask_token": "[MASK]",
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "tokenizer_class": "BertTokenizer",
        "unk_token": "[UNK]",
    },
    "roberta": {
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "mask_token": {
            "__type": "AddedToken",
            "content": "<mask>",
            "lstrip": True,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
        },
        "pad_token": "<pad>",
        "sep_token": "</s>",
        "tokenizer_class": "RobertaTokenizer",
        "unk_token": "<unk>",
    },
}


def most_common(pieces, count):
    """The `count` most common of `pieces`, ties by the alphabet."""
    ranked = sorted(Counter(pieces).items(), key=lambda item: (-item[1], item[0]))
    return [piece for piece, _ in ranked[:count]]


def wordpieces(special):
    """Letters, punctuation, common words and common endings.

    Counted here since the trainer of the library depends on the order of a
    hash map, and so gives another vocabulary with every run.
    """
    letters = list(ascii_lowercase)
    inner = [f"##{letter}" for letter in letters]
    pieces = [*special, *letters, *inner, *".,;:?'-"]
    words = re.findall("[a-z]{2,}", " ".join(SENTENCES).lower())
    ends = [word[-size:] for word in words for size in (2, 3) if len(word) > size]
    pieces += [f"##{end}" for end in most_common(ends, 20)]
    return pieces + most_common(words, VOCABULARY - len(pieces))


def make_wordpiece(special):
    """A lower-casing WordPiece tokenizer without a template."""
    vocabulary = {piece: index for index, piece in enumerate(wordpieces(special))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.add_special_tokens(special)
    return tokenizer


def byte_alphabet():
    """The byte-level letters of plain English, so that 128 tokens suffice."""
    space = "\u0120"
    return [*ascii_letters, *digits, *".,;:!?'-", space]


def train_bpe(special, unknown):
    """A byte-level BPE tokenizer without a template."""
    tokenizer = Tokenizer(models.BPE(unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=special,
        initial_alphabet=byte_alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def add_template(tokenizer, single, pair, tokens):
    """Makes `tokenizer` wrap its inputs in special tokens."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single,
        pair=pair,
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in tokens],
    )


def make_tokenizer(kind):
    """The tokenizer that the families of `kind` share."""
    if kind == "bert":
        tokenizer = make_wordpiece(SPECIAL[kind])
        pair = "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"
        add_template(tokenizer, "[CLS]:0 $A:0 [SEP]:0", pair, ["[CLS]", "[SEP]"])
        return tokenizer
    tokenizer = train_bpe(SPECIAL[kind], TOKENIZER_CONFIG[kind]["unk_token"])
    if kind == "llama":
        add_template(tokenizer, "<s> $A", "<s> $A <s> $B", ["<s>"])
    if kind == "roberta":
        pair = "<s> $A </s> </s> $B </s>"
        add_template(tokenizer, "<s> $A </s>", pair, ["<s>", "</s>"])
    return tokenizer


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_tokenizer(folder, kind):
    make_tokenizer(kind).save(str(folder / "tokenizer.json"))
    config = TOKENIZER_CONFIG[kind] | {"model_max_length": 64}
    write_json(folder / "tokenizer_config.json", config)


def draw(seed, name, shape):
    """Random weights at a scale where every part of the network matters."""
    generator = torch.Generator().manual_seed(zlib.crc32(f"{seed}/{name}".encode()))
    noise = torch.randn(shape, generator=generator)
    if name.endswith("bias"):
        return 0.3 * noise
    if len(shape) == 1:
        # Gemma's norms multiply by 1 + weight.
        return (0 if seed.startswith("gemma") else 1) + 0.3 * noise
    if "embed" in name:
        return 0.4 * noise
    return 1.5 * noise / math.sqrt(shape[1])


def model_class(family):
    if family.is_decoder:
        return AutoModelForCausalLM
    return AutoModelForSequenceClassification


def legacy_buffers(family):
    """Buffers that older checkpoints carry and a loader has to pass over."""
    if family.dtype == torch.bfloat16:
        inverse = 10000.0 ** (-torch.arange(0, 8, 2) / 8)
        name = "model.layers.{}.self_attn.rotary_emb.inv_freq"
        return {name.format(layer): inverse.clone() for layer in range(2)}
    if family.dtype == torch.float16:
        return {"bert.embeddings.position_ids": torch.arange(64)[None]}
    return {}


def published(name, family):
    """The name of a tensor in published checkpoints."""
    ours, theirs = family.renamed
    return theirs + name.removeprefix(ours) if name.startswith(ours) else name


def write_weights(folder, family):
    with torch.device("meta"):
        model = model_class(family).from_config(AutoConfig.from_pretrained(folder))
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    if model.config.get_text_config().tie_word_embeddings and family.is_decoder:
        del shapes["lm_head.weight"]
    weights = {
        published(name, family): draw(family.weights, name, shape).to(family.dtype)
        for name, shape in shapes.items()
    }
    weights = one_by_one(weights, model.config.model_type)
    save_torch_state_dict(
        weights | legacy_buffers(family), folder, max_shard_size=family.shard_size
    )


def one_by_one(weights, model_type):
    """Experts as published checkpoints have them: a tensor each, where the library holds all in one."""
    mixtral = model_type == "mixtral"
    gate, up, down = ("w1", "w3", "w2") if mixtral else ("gate_proj", "up_proj", "down_proj")
    apart = {}
    for name, tensor in weights.items():
        if mixtral:
            name = name.replace(".mlp.", ".block_sparse_moe.")
        base, _, last = name.rpartition(".")
        if not base.endswith(".experts"):
            apart[name] = tensor
            continue
        for expert, own in enumerate(tensor):
            parts = zip((gate, up), own.chunk(2)) if last == "gate_up_proj" else [(down, own)]
            for part, values in parts:
                apart[f"{base}.{expert}.{part}.weight"] = values.clone()
    return apart


class OnlyDouble(TorchDispatchMode):
    """Fails on any operation that yields a float narrower than float64."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and leaf.is_floating_point():
                assert leaf.dtype == torch.float64, f"{function} gave {leaf.dtype}"
        return result


@contextmanager
def in_double():
    """Within it the code of transformers gets float64 where it asks for float32."""
    with ExitStack() as stack:
        for name in ("float", "float32"):
            stack.enter_context(mock.patch.object(torch, name, torch.float64))
        double = torch.Tensor.double
        stack.enter_context(mock.patch.object(torch.Tensor, "float", double))
        stack.enter_context(OnlyDouble())
        yield


@torch.no_grad()
def logits_of(model, ids, positions, mask):
    """All the logits of one input.

    The mask is always given: without one, transformers takes gaps in
    `position_ids` for the seams of packed sequences and separates them.
    """
    inputs = {
        "input_ids": torch.tensor([ids]),
        "attention_mask": torch.tensor([mask or [1] * len(ids)]),
    }
    if positions is not None:
        inputs["position_ids"] = torch.tensor([positions])
    return model(**inputs).logits[0]


class Network:
    """The network of a folder in float64."""

    def __init__(self, folder, family):
        self.stock = self.load(folder, family)
        self.wide = self.load(folder, family)
        rotary = getattr(self.wide.base_model, "rotary_emb", None)
        if rotary is not None:
            with in_double():
                self.wide.base_model.rotary_emb = type(rotary)(self.wide.config)

    @staticmethod
    def load(folder, family):
        # The grouped products of mixtures of experts have no float64.
        model = model_class(family).from_pretrained(
            folder,
            dtype=torch.float64,
            attn_implementation="eager",
            experts_implementation="eager",
        )
        return model.eval()

    def logits(self, ids, positions=None, mask=None):
        """The logits in float64, compared with what the library gives unpatched."""
        stock = logits_of(self.stock, ids, positions, mask)
        with in_double():
            logits = logits_of(self.wide, ids, positions, mask)
        assert (logits - stock).abs().max() < 1e-5
        return logits


def text_of(tokenizer, prompt, count):
    """The longest beginning of `prompt` that has `count` tokens."""
    beginnings = (prompt[:end] for end in range(len(prompt), -1, -1))
    return next(text for text in beginnings if len(tokenizer.encode(text).ids) == count)


def encode(folder, text):
    """The ids of `text`, on which both tokenizer libraries must agree."""
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids
    assert ids == AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    return ids


def prompts_of(folder, counts):
    """Texts of `counts` tokens each, and their ids."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pairs = zip(PROMPTS, counts, strict=True)
    texts = [text_of(tokenizer, prompt, count) for prompt, count in pairs]
    return [(text, encode(folder, text)) for text in texts]


def case(text, ids, logits, positions=None, **extra):
    return {"text": text, "ids": ids, "positions": positions, "logits": logits, **extra}


def keep(values, places):
    return [values[place] for place in places]


def mask_of(length, places):
    return [int(place in places) for place in range(length)]


def close(left, right):
    return (left - right).abs().max() < 1e-10


def decoder_cases(folder, family, network):
    """Four prompts, the third with more logits, and one with gaps."""
    cases = []
    for text, ids in prompts_of(folder, (1, 7, 16, 28)):
        logits = network.logits(ids)
        extra = {"all_logits": logits[-3:].tolist()} if len(ids) == 16 else {}
        cases.append(case(text, ids, logits[-1].tolist(), **extra))
    cases.append(decoder_gaps(family, network, cases[2]["ids"]))
    return cases


def decoder_gaps(family, network, ids):
    """Some of `ids` at their old positions, the same as masking the others."""
    kept = list(family.kept)
    logits = network.logits(keep(ids, kept), kept)[-1]
    ids = ids[: kept[-1] + 1]
    # OPT counts the tokens that are attended to, so that positions are given.
    everywhere = list(range(len(ids)))
    masked = network.logits(ids, everywhere, mask_of(len(ids), kept))[-1]
    assert close(logits, masked)
    return case(None, keep(ids, kept), logits.tolist(), kept)


def encoder_cases(folder, family, network):
    """Four prompts, one with gaps, and the same one with a mask."""
    prompts = prompts_of(folder, (3, 8, 16, 29))
    cases = [case(text, ids, network.logits(ids).tolist()) for text, ids in prompts]
    cases += encoder_gaps(family, network, *prompts[2])
    if family.config["model_type"] == "roberta":
        cases.append(roberta_padding(network, prompts[2][1]))
    return cases


def encoder_gaps(family, network, text, ids):
    """Some of `ids` at their old positions, and all with the others masked."""
    first = 2 if family.config["model_type"] == "roberta" else 0
    positions = [first + place for place in family.kept]
    kept = keep(ids, family.kept)
    mask = mask_of(len(ids), family.kept)
    gaps = network.logits(kept, positions)
    masked = network.logits(ids, mask=mask)
    assert close(gaps, masked)
    return [
        case(None, kept, gaps.tolist(), positions),
        case(text, ids, masked.tolist(), attention_mask=mask),
    ]


def roberta_padding(network, ids):
    """`<pad>` in place of three tokens: by default such a place has position 1
    and is not counted. The positions are written out."""
    pad, first = 1, 2
    ids = [pad if place in (3, 4, 9) else token for place, token in enumerate(ids)]
    count = itertools.count(first)
    positions = [pad if token == pad else next(count) for token in ids]
    logits = network.logits(ids, positions)
    assert close(logits, network.logits(ids))
    return case(None, ids, logits.tolist(), positions)


def made_with():
    return {
        "script": "scripts/make_tiny_models.py",
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
    }


def write_golden(folder, family):
    network = Network(folder, family)
    if family.is_decoder:
        cases = decoder_cases(folder, family, network)
    else:
        cases = encoder_cases(folder, family, network)
    head = json.dumps({"made_with": made_with(), "dtype": "float64"})[:-1]
    lines = ",\n".join(json.dumps(case) for case in cases)
    (folder / "golden.json").write_text(f'{head}, "cases": [\n{lines}\n]}}\n')


def write_family(folder, family):
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", family.config)
    write_tokenizer(folder, family.tokenizer)
    write_weights(folder, family)
    write_golden(folder, family)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT, help="where the folders go")
    parser.add_argument("families", nargs="*", help="these only; all by default")
    options = parser.parse_args()
    out = options.out
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name, family in FAMILIES.items():
        if options.families and name not in options.families:
            continue
        write_family(out / name, family)
        size = sum(file.stat().st_size for file in (out / name).iterdir())
        print(f"{name}: {size} bytes")


if __name__ == "__main__":
    main()
