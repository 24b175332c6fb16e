#!/usr/bin/env python3
"""Trains the small sentiment classifier in models/demo from random weights.

    python3 -m venv venv
    venv/bin/pip install torch==2.15.0 transformers==5.23.0 tokenizers==0.23.3 safetensors==0.8.0 numpy==2.4.6
    venv/bin/python scripts/train_demo_model.py --data sst2 --out models/demo

The data folder holds SST-2 (Socher et al. 2013) as distributed with GLUE: `train.tsv` (or
`train.tsv.gz`) and `dev.tsv`, tab-separated with a header, columns `sentence` and `label`
(1 positive, 0 negative). Nothing else is read, and the development sentences are only read to
measure the finished model.

The model is a BERT sequence classifier. It is meant to be asked about sentences in which any
subset of the words is replaced by [MASK], so it is trained on such sentences too. Four changes
are made to the training phrases, anew in every epoch:

* swap: in a short phrase with a single polar word, that word is replaced by another polar word
  seen after the same predecessor, and the label changes with the polarity. Polar words are the
  one-word training phrases with their labels. Phrases whose label the polar word and the negations
  before it do not explain are left alone.
* negate: such a phrase, where it has no negation, is given one and the opposite label.
* respell: "did n't" becomes "didn't", and a final punctuation mark is dropped.
* mask: every word is replaced by [MASK] with a probability drawn uniformly from [0, 1] for the
  phrase. The label is kept.

One seed gives the same files on the same machine with the versions above; another processor may
round differently.
"""

import argparse
import collections
import gzip
import hashlib
import json
import os
import random
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch.nn import functional as F
from transformers import BertConfig, BertForSequenceClassification

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNK, CLS, SEP, MASK = range(5)

VOCABULARY = 7000
MAX_POSITIONS = 80
HIDDEN = 128
LAYERS = 3
HEADS = 4
HIDDEN_DROPOUT = 0.2
ATTENTION_DROPOUT = 0.1

BATCH = 128
PEAK_RATE = 7e-4
WARM_UP = 0.08
WEIGHT_DECAY = 0.05
LABEL_SMOOTHING = 0.05

NEGATIONS = {"not", "n't", "never", "no", "without", "nothing", "neither", "nor", "hardly", "cannot"}
CONTRACTIBLE = {"is", "was", "are", "were"}
COPULAS = CONTRACTIBLE | {"be", "'s"}
# The longest phrase that is swapped or negated, and the longest that is negated without a copula.
TEMPLATE_WORDS = 10
BARE_WORDS = 5
NEGATION_COPIES = 8
SWAP_SHARE = 0.5
SWAP_SHARE_NEGATED = 0.8
NEGATE_SHARE = 0.3
RESPELL_SHARE = 0.5
MASK_SHARE = 0.3


def read_examples(folder, name):
    """(words, label) of each line of a split, which may be compressed."""
    path = folder / f"{name}.tsv"
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines()
    else:
        with gzip.open(f"{path}.gz", "rt", encoding="utf-8") as file:
            lines = file.read().splitlines()
    rows = (line.rsplit("\t", 1) for line in lines[1:])
    return [(tuple(sentence.split()), int(label)) for sentence, label in rows]


def contract(words):
    """Joins the treebank's separate "n't" to the word before it."""
    joined = []
    for word in words:
        if word == "n't" and joined:
            joined[-1] += word
        else:
            joined.append(word)
    return tuple(joined)


def new_tokenizer(vocabulary):
    """A lower-casing BERT WordPiece tokenizer that adds [CLS] and [SEP]."""
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(SPECIAL_TOKENS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
    )
    return tokenizer


def train_tokenizer(examples):
    """A tokenizer with a vocabulary from the phrases in both spellings of the negations."""
    texts = [" ".join(spelled) for words, _ in examples for spelled in (words, contract(words))]
    learner = new_tokenizer({token: i for i, token in enumerate(SPECIAL_TOKENS)})
    # The trainer numbers the letters in an order that differs from run to run, and breaks ties by
    # number. Letters given in advance keep theirs.
    letters = sorted(set(learner.normalizer.normalize_str("".join(texts))) - {" "})
    fixed = SPECIAL_TOKENS + letters + ["##" + letter for letter in letters]
    learner.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(
            vocab_size=VOCABULARY, min_frequency=2, special_tokens=fixed, show_progress=False
        ),
    )
    return new_tokenizer(learner.get_vocab())


def whole_sentences(examples):
    """The examples that are not part of a longer one."""
    parts, whole = set(), []
    for words, label in sorted(examples, key=lambda example: -len(example[0])):
        if words not in parts:
            whole.append((words, label))
            n = len(words)
            parts.update(words[i:j] for i in range(n) for j in range(i + 1, n + 1))
    return whole


class Phrases:
    """The training phrases and the changes made to them."""

    def __init__(self, examples, tokenizer, rng):
        self.rng = rng
        self.tokenizer = tokenizer
        self.pieces_of = {}
        self.polarity = self.polar_words(examples)
        self.followers = self.polar_followers(examples)
        templates = [
            (words, label)
            for words, label in examples
            if not NEGATIONS.isdisjoint(words) and self.polar_position(words, label) is not None
        ]
        # Short negated phrases and whole sentences, which the model is asked about, are repeated.
        self.pool = examples + templates * NEGATION_COPIES + whole_sentences(examples)

    @staticmethod
    def polar_words(examples):
        """The label of each word that is a phrase of its own, always with the same label."""
        labels = collections.defaultdict(set)
        for words, label in examples:
            if len(words) == 1 and words[0].isalpha() and words[0] not in NEGATIONS:
                labels[words[0]].add(label)
        return {word: min(seen) for word, seen in labels.items() if len(seen) == 1}

    def polar_followers(self, examples):
        """The polar words seen after each word: those of label 0, those of label 1."""
        seen = collections.defaultdict(lambda: (set(), set()))
        for words, _ in examples:
            for word, following in zip(words, words[1:]):
                if following in self.polarity:
                    seen[word][self.polarity[following]].add(following)
        return {word: tuple(map(sorted, sets)) for word, sets in seen.items()}

    def polar_position(self, words, label):
        """Where the only polar word is, if it and the negations before it explain the label."""
        polar = [i for i, word in enumerate(words) if word in self.polarity]
        if len(words) > TEMPLATE_WORDS or len(polar) != 1 or polar[0] == 0:
            return None
        negations = sum(word in NEGATIONS for word in words[: polar[0]])
        return polar[0] if (self.polarity[words[polar[0]]] + negations) % 2 == label else None

    def swap(self, words, label, at):
        """Puts another polar word at a position; either polarity is as likely where both fit."""
        fitting = self.followers[words[at - 1]]
        polarity = self.rng.randint(0, 1)
        if not fitting[polarity]:
            polarity = 1 - polarity
        new = self.rng.choice(fitting[polarity])
        if polarity != self.polarity[words[at]]:
            label = 1 - label
        return words[:at] + (new,) + words[at + 1 :], label

    def negate(self, words, label, at):
        """Puts a negation after the last copula before a position, or before a short phrase."""
        copulas = [i for i in range(at) if words[i] in COPULAS]
        choices = ("not", "not", "never")
        if copulas:
            place = copulas[-1] + 1
            if words[copulas[-1]] in CONTRACTIBLE:
                choices += ("n't",)
        elif len(words) <= BARE_WORDS:
            place = 0
        else:
            return words, label
        word = self.rng.choice(choices)
        return words[:place] + (word,) + words[place:], 1 - label

    def respell(self, words):
        """Contracts negations and drops a final punctuation mark, each half of the time."""
        if self.rng.random() < RESPELL_SHARE:
            words = contract(words)
        if len(words) > 1 and words[-1] in ".!?," and self.rng.random() < RESPELL_SHARE:
            words = words[:-1]
        return words

    def pieces(self, word):
        """The ids of a word, remembered."""
        if word not in self.pieces_of:
            self.pieces_of[word] = self.tokenizer.encode(word, add_special_tokens=False).ids
        return self.pieces_of[word]

    def encode(self, words, masked=0.0):
        """The token ids of a phrase, each word masked with the given probability."""
        ids = [CLS]
        for word in words:
            pieces = self.pieces(word)
            ids += [MASK] * len(pieces) if self.rng.random() < masked else pieces
        return ids[: MAX_POSITIONS - 1] + [SEP]

    def variant(self, words, label):
        """Token ids and label of an example, changed at random."""
        at = self.polar_position(words, label)
        if at is not None:
            negated = not NEGATIONS.isdisjoint(words)
            if self.rng.random() < (SWAP_SHARE_NEGATED if negated else SWAP_SHARE):
                words, label = self.swap(words, label, at)
            if not negated and self.rng.random() < NEGATE_SHARE:
                words, label = self.negate(words, label, at)
        masked = self.rng.random() if self.rng.random() < MASK_SHARE else 0.0
        return self.encode(self.respell(words), masked), label

    def epoch(self):
        """The batches of one epoch, of phrases of similar length."""
        examples = [self.variant(*example) for example in self.pool]
        self.rng.shuffle(examples)
        batches = []
        for start in range(0, len(examples), 50 * BATCH):
            chunk = sorted(examples[start : start + 50 * BATCH], key=lambda example: len(example[0]))
            batches += [chunk[i : i + BATCH] for i in range(0, len(chunk), BATCH)]
        self.rng.shuffle(batches)
        return batches


def tensors(batch):
    """Padded ids, attention mask and labels of a batch."""
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([ids + [PAD] * (longest - len(ids)) for ids, _ in batch])
    return ids, (ids != PAD).long(), torch.tensor([label for _, label in batch])


def new_model(vocabulary):
    """A BERT classifier with random weights."""
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=vocabulary,
            hidden_size=HIDDEN,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            intermediate_size=4 * HIDDEN,
            max_position_embeddings=MAX_POSITIONS,
            hidden_dropout_prob=HIDDEN_DROPOUT,
            attention_probs_dropout_prob=ATTENTION_DROPOUT,
            initializer_range=0.05,
            id2label={0: "negative", 1: "positive"},
            label2id={"negative": 0, "positive": 1},
        )
    )


def new_optimizer(model, steps):
    """AdamW, no decay on biases and norms; the rate rises and falls linearly."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.98))
    warm = max(1, int(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    return optimizer, schedule


def train(model, phrases, epochs):
    """Minimizes the cross-entropy and prints its mean over each epoch."""
    steps = epochs * -(-len(phrases.pool) // BATCH)
    optimizer, schedule = new_optimizer(model, steps)
    model.train()
    start = time.monotonic()
    for epoch in range(epochs):
        losses = []
        for batch in phrases.epoch():
            ids, attention, labels = tensors(batch)
            logits = model(input_ids=ids, attention_mask=attention).logits
            loss = F.cross_entropy(logits, labels, label_smoothing=LABEL_SMOOTHING)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        mean = sum(losses) / len(losses)
        print(f"epoch {epoch + 1}: loss {mean:.4f}, {time.monotonic() - start:.0f} s", flush=True)


@torch.no_grad()
def accuracy(model, phrases, examples):
    """The share of examples, unchanged, that the model labels correctly."""
    model.eval()
    correct = 0
    for start in range(0, len(examples), BATCH):
        batch = [(phrases.encode(words), label) for words, label in examples[start : start + BATCH]]
        ids, attention, labels = tensors(batch)
        predicted = model(input_ids=ids, attention_mask=attention).logits.argmax(-1)
        correct += (predicted == labels).sum().item()
    return correct / len(examples)


def round_to_half(model):
    """Rounds every weight to a 16-bit float; the model goes on computing in 32 bits."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half())


def write_model(model, tokenizer, out):
    """Writes the files of the model, each replacing its predecessor at once."""
    out.mkdir(parents=True, exist_ok=True)
    config = model.config.to_diff_dict()
    config.pop("dtype", None)
    config["architectures"] = ["BertForSequenceClassification"]
    config["torch_dtype"] = "float16"
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL_TOKENS))
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "do_lower_case": True,
        "model_max_length": MAX_POSITIONS,
        **names,
    }
    weights = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        folder = Path(folder)
        (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config, indent=2) + "\n")
        tokenizer.save(str(folder / "tokenizer.json"))
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        for path in sorted(folder.iterdir()):
            path.chmod(0o644)
            print(hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size, path.name)
            path.replace(out / path.name)


def arguments():
    parser = argparse.ArgumentParser(description="Trains the small sentiment classifier.")
    parser.add_argument("--data", type=Path, required=True, help="folder with train.tsv[.gz] and dev.tsv")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=5)
    return parser.parse_args()


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)

    examples = list(dict.fromkeys(read_examples(args.data, "train")))
    tokenizer = train_tokenizer(examples)
    phrases = Phrases(examples, tokenizer, random.Random(args.seed))
    model = new_model(tokenizer.get_vocab_size())
    print(f"{len(phrases.pool)} phrases, {sum(p.numel() for p in model.parameters())} parameters")
    train(model, phrases, args.epochs)

    dev = read_examples(args.data, "dev")
    print(f"dev accuracy, 32-bit weights: {accuracy(model, phrases, dev):.4f}")
    round_to_half(model)
    print(f"dev accuracy, 16-bit weights: {accuracy(model, phrases, dev):.4f}")
    write_model(model, tokenizer, args.out)


if __name__ == "__main__":
    main()
