#!/usr/bin/env bash
# Builds the program for CUDA on a machine without GPU, CUDA or root: Linux x86-64 with cargo, gcc, ar and python3 with pip.
#
#   scripts/build_cuda.sh [FOLDER]        # the compiler is kept in FOLDER [default: ~/.cache/harsanyi-cuda]
#
# The compiler comes from NVIDIA's Python wheels (about 105 MB). The CUDA libraries are not linked: a small stand-in for each
# looks for the real one when the program starts and, where there is none, answers every call with error 34, so that the same
# program also runs where no CUDA is. CUDA_COMPUTE_CAP chooses the GPU [default: 90; 80 gives code that any newer one takes].
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-$HOME/.cache/harsanyi-cuda}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
root=$folder/nvidia/cu13

if [ ! -x "$root/bin/nvcc" ]; then
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$folder/wheels" \
    nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 \
    nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85
  for wheel in "$folder"/wheels/*.whl; do
    python3 -m zipfile -e "$wheel" "$folder"
  done
  chmod +x "$root"/bin/* "$root"/nvvm/bin/*
fi
ln -sfn lib "$root/lib64"
# The runtime is the one library that is linked, statically.
rm -f "$root"/lib/libcudart.so
ln -sf libcudart_static.a "$root/lib/libcudart.a"
# Device code inside the program is compressed: a quarter of the size, and the driver unpacks it. Kernels that it compiles
# itself are text, kept without comments and indentation.
cat > "$root/bin/nvcc-small" <<SH
#!/bin/sh
for word; do
  case \$before in --output-directory) folder=\$word ;; esac
  case \$word in --ptx) ptx=yes ;; *.cu) source=\$word ;; esac
  before=\$word
done
"$root/bin/nvcc" --compress-mode=size "\$@" || exit
[ -z "\$ptx" ] || sed -i -E 's@//.*\$@@; s@^[[:space:]]+|[[:space:]]+\$@@g; s@[[:space:]]+@ @g; s@, @,@g; /^\$/d' \\
  "\$folder/\$(basename "\$source" .cu).ptx"
SH
chmod +x "$root/bin/nvcc-small"

# The names of all functions stand in cudarc's own declarations.
cargo fetch --locked
cudarc=$(cargo metadata --format-version 1 --locked --features cuda | python3 -c '
import json, os, sys
packages = json.load(sys.stdin)["packages"]
print(next(os.path.dirname(p["manifest_path"]) for p in packages if p["name"] == "cudarc"))')
stubs=$root/lib/stubs
rm -rf "$stubs"
mkdir -p "$stubs"

# stand_in NAME SONAME MODULE: an archive with every function of the library.
stand_in() {
  local name=$1 soname=$2 module=$3
  python3 - "$name" "$soname" "$cudarc/src/$module/sys/mod.rs" > "$stubs/$name.c" <<'PY'
import re, sys

name, soname, source = sys.argv[1:]
functions = sorted(set(re.findall(r"\bfn ((?:cu|nvrtc)[A-Za-z0-9_]+) *\(", open(source).read())) - {"culib"})
print(f"""#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
static int missing(void) {{ return 34; }} /* CUDA_ERROR_STUB_LIBRARY */
static const char *const names[] = {{ {", ".join(f'"{function}"' for function in functions)} }};
__attribute__((visibility("hidden"), used)) void *{name}_slots[{len(functions)}];
__attribute__((constructor)) static void fill(void) {{
  void *library = dlopen("{soname}", RTLD_LAZY | RTLD_GLOBAL);
  const char *homes[] = {{ getenv("CUDA_HOME"), getenv("CUDA_PATH"), "/usr/local/cuda" }};
  for (int home = 0; !library && home < 3; home++) {{
    char path[4096];
    if (!homes[home]) continue;
    snprintf(path, sizeof path, "%s/lib64/{soname}", homes[home]);
    library = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
  }}
  for (unsigned at = 0; at < {len(functions)}; at++) {{
    void *found = library ? dlsym(library, names[at]) : 0;
    {name}_slots[at] = found ? found : (void *)missing;
  }}
}}""")
for at, function in enumerate(functions):
    print(
        f'__asm__(".globl {function}\\n.type {function},@function\\n'
        f'{function}: jmp *{name}_slots+{8 * at}(%rip)\\n");'
    )
PY
  gcc -O1 -fPIC -c -o "$stubs/$name.o" "$stubs/$name.c"
  ar rcs "$stubs/$name.a" "$stubs/$name.o"
  rm "$stubs/$name.o" "$stubs/$name.c"
}
stand_in libcuda libcuda.so.1 driver
stand_in libcublas libcublas.so.13 cublas
stand_in libcublasLt libcublasLt.so.13 cublaslt
stand_in libcurand libcurand.so.10 curand
stand_in libnvrtc libnvrtc.so.13 nvrtc

export CUDA_HOME=$root CUDA_PATH=$root NVCC=$root/bin/nvcc-small PATH=$root/bin:$PATH
export CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-90} CUDARC_CUDA_VERSION=13000
export CUDAFORGE_THREADS=${CUDAFORGE_THREADS:-$(nproc)}
# The text of some kernels stands in two crates: the linker keeps what is equal once.
cargo rustc --locked --release --features cuda --bin harsanyi -- \
  -C link-arg=-Wl,--icf=all -C link-arg=-Wl,--ignore-data-address-equality

program=${CARGO_TARGET_DIR:-target}/release/harsanyi
size=$(stat -c %s "$program")
echo "$program: $((size / 1000000)) MB"
if [ "$size" -gt 30000000 ]; then
  echo "larger than 30 MB" >&2
  exit 1
fi
if ldd "$program" | grep -E 'libcu|libnv'; then
  echo "needs a CUDA library at start" >&2
  exit 1
fi
"$program" devices
