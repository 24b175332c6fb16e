#!/usr/bin/env bash
# Type-checks the code behind the feature `cuda` where there is no CUDA compiler: another stands in for it and compiles nothing.
# The first time takes minutes, since candle is checked once more.
set -euo pipefail
cd "$(dirname "$0")/.."

NVCC=$PWD/scripts/nvcc_stand_in.sh CUDA_COMPUTE_CAP=90 CUDARC_CUDA_VERSION=13000 \
  cargo check --locked --features cuda --target-dir "${CARGO_TARGET_DIR:-target}/cuda-types"
