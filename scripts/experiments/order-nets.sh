#!/usr/bin/env bash
# Networks trained on MNIST with the published order losses, and the J(m) of each: normal, low, mid and high; and the middle with
# the loss against high orders beside it, which moves the peak into the band.
# Usage: order-nets.sh HARSANYI DATA OUT, where DATA holds the four IDX files of MNIST.
set -euo pipefail
harsanyi=$1 data=$2 out=$3
nets=(normal low mid mid-not-high high)
declare -A losses=(
    [normal]=""
    [low]="--order-loss low"
    [mid]="--order-loss mid"
    [mid-not-high]="--order-loss mid --order-loss penalize:0.7:1"
    [high]="--order-loss high"
)
beside=()
for net in "${nets[@]}"; do
    # shellcheck disable=SC2086
    "$harsanyi" train --data "$data/train-images-idx3-ubyte.gz" --test "$data/test-images-idx3-ubyte.gz" \
        --net "${NET:-mlp:128,128,128,128}" --grid 14x14 --epochs "${EPOCHS:-12}" --seed "${SEED:-0}" ${losses[$net]} \
        -o "$out/$net/model"
    "$harsanyi" order --model "$out/$net/model/model.safetensors" --data "$data/test-images-idx3-ubyte.gz" \
        --players grid:14x14 --baseline zero --pairs near:50:2 --contexts "${CONTEXTS:-10}" --correct --per-class 5 \
        -o "$out/$net/orders" --resume
    beside+=(--beside "$out/$net/orders")
done
"$harsanyi" order "${beside[@]}"
