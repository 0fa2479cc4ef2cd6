# shellcheck shell=bash
# Telling the person in front what happens. All of it goes to standard error:
# standard output belongs to the program that is run.

say() { printf '%s\n' "$*" >&2; }

# die WHAT [WHAT TO DO]
die() {
  printf 'bootstrap: %s\n' "$1" >&2
  if [ -n "${2:-}" ]; then printf '  what to do: %s\n' "$2" >&2; fi
  exit 1
}

elapsed() {
  local seconds=$1
  if [ "$seconds" -lt 60 ]; then printf '%ds' "$seconds"; else printf '%dm%02ds' $((seconds / 60)) $((seconds % 60)); fi
}

# Says nothing about a step that is over at once; shows the last line of the
# log of one that takes its time.
ticker() {
  local title=$1 log=$2 started=$SECONDS shown=-30 line
  # It ends by being killed, whatever it does then.
  set +eE
  trap - ERR
  # The sleeps don't hold the terminal, or the pipe that stands for it, open.
  sleep 1.5 >/dev/null 2>&1
  if [ ! -t 2 ]; then say "$title"; fi
  while true; do
    line=$(tail -c 400 "$log" 2>/dev/null | tr -d '\r' | tail -n 1 | cut -c -70)
    if [ -t 2 ]; then
      printf '\r\033[K%s  %s  %s' "$title" "$(elapsed $((SECONDS - started)))" "$line" >&2
    elif [ $((SECONDS - shown)) -ge 60 ] && [ "$shown" -ge 0 ]; then
      say "  $(elapsed $((SECONDS - started)))  $line"
      shown=$SECONDS
    elif [ "$shown" -lt 0 ]; then
      shown=$SECONDS
    fi
    sleep 1 >/dev/null 2>&1
  done
}

TICKER=
stop_ticker() {
  if [ -n "$TICKER" ]; then
    kill "$TICKER" 2>/dev/null || true
    wait "$TICKER" 2>/dev/null || true
    TICKER=
  fi
}
trap stop_ticker EXIT

# No failure goes by without a word.
set -E
unexpected() { say "bootstrap: unexpected failure in $1"; }
trap 'unexpected "${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR

# step TITLE WHAT_TO_DO_ON_FAILURE COMMAND...: runs the command (a function may
# be one) with `set -e`, its output in a log. Never call it inside a condition:
# the shell would ignore `set -e` in it.
step() {
  local title=$1 remedy=$2 started=$SECONDS status log
  shift 2
  log=$LOGS/$(printf '%s' "$title" | tr -cs 'A-Za-z0-9.+\n' '-').log
  : >"$log"
  ticker "$title" "$log" 9>&- &
  TICKER=$!
  set +eE
  trap - ERR
  (set -e; "$@") >"$log" 2>&1 </dev/null
  status=$?
  set -eE
  trap 'unexpected "${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR
  stop_ticker
  local took=$((SECONDS - started))
  if [ -t 2 ] && [ "$took" -gt 1 ]; then printf '\r\033[K' >&2; fi
  if [ "$status" -eq 130 ]; then
    say "bootstrap: interrupted: $title. What was finished is kept; run the same command again to go on."
    exit 130
  fi
  if [ "$status" -ne 0 ]; then
    say "bootstrap: failed: $title (status $status, after $(elapsed "$took"))"
    say "  the end of its output:"
    tail -n 25 "$log" | sed 's/^/    /' >&2
    say "  the whole log: $log"
    say "  what to do: $remedy"
    say "  what was finished is kept; run the same command again to go on."
    exit 1
  fi
  if [ "$took" -gt 1 ]; then say "$title: done in $(elapsed "$took")"; fi
}
