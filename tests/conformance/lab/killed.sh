#!/bin/sh
# Two meshes of one example run side by side, and nothing is left of one that is killed.
# Usage: killed.sh LAB WEFT ENVOY DIR EXAMPLE
set -eu
lab=$1 weft=$2 envoy=$3 dir=$4 example=$5
rm -rf "$dir"
mkdir -p "$dir"

fail() {
  echo "killed.sh: $1" >&2
  tail -n 20 "$dir"/*.out >&2
  exit 1
}

# The processes that have the folder of a mesh among their arguments.
of() {
  for process in /proc/[0-9]*; do
    [ "${process#/proc/}" = "$$" ] && continue
    tr '\0' ' ' 2>/dev/null < "$process/cmdline" | grep -q -- "$dir/$1" && echo "${process#/proc/}"
  done
  return 0
}

await() { # TRIES COMMAND…
  tries=$1
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}
is_up() { grep -q 'The mesh is up' "$dir/$1.out"; }
is_gone() { [ -z "$(of "$1")" ]; }

for name in one two; do
  mkfifo "$dir/$name.in"
  "$lab" shell --weft "$weft" --envoy "$envoy" --dir "$dir/$name" "$example" \
    < "$dir/$name.in" > "$dir/$name.out" 2>&1 &
  eval "pid_$name=$!"
done
exec 3> "$dir/one.in" 4> "$dir/two.in" # hold the shells open
for name in one two; do
  await 600 is_up "$name" || fail "mesh $name did not come up beside another"
done
[ "$(of one | wc -l)" -ge 3 ] || fail "the processes of mesh one are not found"

# shellcheck disable=SC2154
kill -9 "$pid_one"
await 50 is_gone one || fail "left after the kill: $(of one)"
is_gone two && fail "the other mesh went too"

exec 4>&- # the end of its input ends the shell
await 100 is_gone two || fail "left after the end: $(of two)"
[ -z "$(ip netns list 2>/dev/null | grep -F "hello" || true)" ] || fail "namespaces are left"
echo "two meshes at once; nothing left of the killed one"
