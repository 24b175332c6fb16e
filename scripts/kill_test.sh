#!/usr/bin/env bash
# Kills one table at random moments and resumes it, each time to the bytes of the undisturbed run: alone, in two processes that
# share it, and on a disk that is full.
#
#   scripts/kill_test.sh PROGRAM [ROUNDS [MODEL [TEXT]]]
#
# The full disk is a small tmpfs, mounted where that is allowed and left out with a line where it is not.
set -euo pipefail

program=$(realpath "$1")
rounds=${2:-50}
model=${3:-demo}
text=${4:-the plot of the movie is not bad at all and funny}
work=$(mktemp -d)
seed=${SEED:-1}
RANDOM=$seed

cleanup() {
  mountpoint -q "$work/disk" && umount "$work/disk"
  rm -rf "$work"
}
trap cleanup EXIT

run() { "$program" tabulate "$text" --model "$model" -q "$@" >/dev/null; }
# In the background, so that the process is the program and no shell around it.
start() { exec "$program" tabulate "$text" --model "$model" -q "$@" >/dev/null; }
now() { date +%s%N; }
fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Every piece that has its name has its full length.
check_pieces() {
  local sizes
  sizes=$({ find "$1" -name 'piece-*.bin' -printf '%s\n' 2>/dev/null || true; } | awk '{ if ($1 < low || !low) low = $1; if ($1 > high) high = $1 }
    END { print (high - low > 400) ? "bad" : "good" }')
  [ "$sizes" = good ] || fail "a half-written piece in $1"
}

pieces() { { find "$1" -name 'piece-*.bin' 2>/dev/null || true; } | wc -l; }

# A background command that is killed after a random part of $span nanoseconds, if it has not ended by then.
killed=0
kill_randomly() {
  local pid=$1 wait
  wait=$((span / 1000 * (RANDOM % 1000) / 1000))
  sleep "$(printf '%d.%06d' $((wait / 1000000)) $((wait % 1000000)))"
  kill -9 "$pid" 2>/dev/null || true
  local code=0
  wait "$pid" 2>/dev/null || code=$?
  # On a machine that others leave alone now, a run ends sooner than the first one did.
  if [ $code -eq 137 ]; then killed=$((killed + 1)); else span=$((span * 9 / 10)); fi
}

begin=$(now)
run -o "$work/calm"
span=$(($(now) - begin))
calm=$work/calm/values.npy
echo "undisturbed: $((span / 1000000)) ms, $(stat -c %s "$calm") bytes"

# One kill per table.
histogram=
round=0
while [ $killed -lt "$rounds" ]; do
  round=$((round + 1))
  out=$work/round
  start -o "$out" --resume & kill_randomly $!
  check_pieces "$out"
  histogram="$histogram $(pieces "$out")"
  run -o "$out" --resume || fail "round $round does not resume"
  cmp "$calm" "$out/values.npy" || fail "round $round has other values"
  [ "$(ls -A "$out" | tr '\n' ' ')" = "record.json values.npy " ] || fail "round $round leaves $(ls -A "$out")"
  rm -rf "$out"
done
echo "alone: $killed kills in $round tables, all byte-identical after --resume; pieces on disk at the kill:$histogram"

# Two processes that share a table, killed in turn until it is done.
killed=0
out=$work/shared
round=0
while [ $killed -lt "$rounds" ]; do
  round=$((round + 1))
  start -o "$out" --shard 1/2 & one=$!
  start -o "$out" --shard 2/2 & two=$!
  if ((round % 2)); then
    kill_randomly $one
    wait $two || fail "share 2/2 in round $round"
  else
    kill_randomly $two
    wait $one || fail "share 1/2 in round $round"
  fi
  check_pieces "$out"
  if [ ! -e "$out/values.npy" ]; then
    # Who was killed does its share again; the other finds its own done.
    if ((round % 2)); then run -o "$out" --shard 1/2; else run -o "$out" --shard 2/2; fi
  fi
  [ -e "$out/values.npy" ] || "$program" merge "$out" -q >/dev/null || fail "round $round is not complete"
  cmp "$calm" "$out/values.npy" || fail "shared round $round has other values"
  [ ! -e "$out/store" ] || fail "shared round $round leaves a store"
  rm -rf "$out"
done
echo "shared: $killed kills of one of two processes in $round tables, all byte-identical"

# A disk that fills up, and is then given room.
mkdir "$work/disk"
if ! mount -t tmpfs -o size=16k tmpfs "$work/disk" 2>/dev/null; then
  echo "full disk: mounting is not allowed here; left out"
  exit 0
fi
failures=0
for kilobytes in $(seq 16 4 160); do
  mount -o "remount,size=${kilobytes}k" "$work/disk"
  if run -o "$work/disk/run" --resume 2>"$work/said"; then break; fi
  grep -q "could not write" "$work/said" || fail "a full disk says: $(cat "$work/said")"
  check_pieces "$work/disk/run"
  failures=$((failures + 1))
done
cmp "$calm" "$work/disk/run/values.npy" || fail "the full disk has other values"
echo "full disk: $failures runs that found no room, each gone on with; complete at ${kilobytes} KB, byte-identical"
