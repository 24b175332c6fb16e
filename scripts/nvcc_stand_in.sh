#!/usr/bin/env bash
# Stands in for the CUDA compiler where only types are checked: writes the files it is asked for, empty.
set -eu
out='' folder='' source=''
while [ $# -gt 0 ]; do
  case "$1" in
    --version) echo "Cuda compilation tools, release 13.0, V13.0.88"; exit ;;
    --list-gpu-code) printf 'sm_80\nsm_90\n'; exit ;;
    -o) out=$2; shift ;;
    --output-directory) folder=$2; shift ;;
    *.cu) source=$1 ;;
  esac
  shift
done
if [ -n "$out" ]; then : > "$out"; fi
if [ -n "$folder" ]; then : > "$folder/$(basename "$source" .cu).ptx"; fi
