#!/usr/bin/env bash
# Four networks trained on MNIST with the published order losses, and the J(m) of each: normal, low, mid and high.
# Usage: order-nets.sh HARSANYI DATA OUT, where DATA holds the four IDX files of MNIST.
set -euo pipefail
harsanyi=$1 data=$2 out=$3
declare -A losses=([normal]="" [low]="--order-loss low" [mid]="--order-loss mid" [high]="--order-loss high")
for net in normal low mid high; do
    # shellcheck disable=SC2086
    "$harsanyi" train --data "$data/train-images-idx3-ubyte.gz" --test "$data/test-images-idx3-ubyte.gz" \
        --net mlp:128,128,128,128 --grid 14x14 --epochs "${EPOCHS:-12}" ${losses[$net]} -o "$out/$net/model"
    "$harsanyi" order --model "$out/$net/model/model.safetensors" --data "$data/test-images-idx3-ubyte.gz" \
        --players grid:14x14 --baseline zero --pairs near:50:2 --contexts "${CONTEXTS:-10}" --correct --per-class 5 \
        -o "$out/$net/orders" --resume
done
"$harsanyi" order --beside "$out/normal/orders" --beside "$out/low/orders" --beside "$out/mid/orders" --beside "$out/high/orders"
