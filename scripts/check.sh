#!/usr/bin/env bash
# Everything that must hold before a change is merged, cheapest first. Continuous integration runs this file as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

# A toolchain without rustfmt or clippy gets them here, where rustup is there to ask.
for component in rustfmt clippy; do
  if ! cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1; then
    rustup component add "$component"
  fi
done

if [ -z "${HARSANYI_SHARED:-}" ]; then
  echo "HARSANYI_SHARED is not set: tests on real models and reference tables do nothing"
fi

# The pages are tested in a browser: Debian and Ubuntu have it as a package; without one those tests say that they skip.
if ! command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || true
  fi
  command -v chromium >/dev/null || echo "there is no Chromium: tests of the pages in a browser do nothing"
fi

step() { printf '\n== %s\n' "$*"; "$@"; }

step cargo fmt --check
step cargo clippy --locked --all-targets -- -D warnings
step cargo clippy --locked --no-default-features --all-targets -- -D warnings
# The theory half alone: games, transforms, interactions and statistics need no tensor.
step cargo test --locked --no-default-features
step cargo test --locked
RUSTDOCFLAGS="-D warnings" step cargo doc --locked --no-deps --document-private-items
# The code behind `cuda`, by its types: no compiler for it is needed.
step scripts/check_cuda.sh
