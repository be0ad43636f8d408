#!/bin/sh
# Answer one hook of Claude Code: hook.sh EVENT, with the hook's JSON on stdin. Prints what the session is to be told and
# nothing else, ends with 0 whatever happens, and writes each decision into one file. Plain sh, since it stands in the way
# of a person: what only has to be noted for the next sync is noted here, without starting a program of ours.
event=$1
exec 2>/dev/null
umask 077
[ -n "${HOME:-}${XDG_DATA_HOME:-}" ] || exit 0
if [ -n "${XDG_DATA_HOME:-}" ]; then data=$XDG_DATA_HOME
elif [ -d "$HOME/Library/Application Support" ]; then data="$HOME/Library/Application Support"
else data=$HOME/.local/share
fi
folder=$data/agent-context/hooks
log=$folder/log
spool=$folder/spool
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)

decide() {
    [ -d "$folder" ] || mkdir -p "$folder"
    if [ -f "$log" ] && [ "$(wc -c <"$log")" -gt 256000 ]; then mv -f "$log" "$log.1"; fi
    printf '%s %s: %s\n' "$now" "$event" "$1" >>"$log"
    exit 0
}

[ -z "${AGENT_CONTEXT_CHILD:-}" ] || decide "nothing: a session that agent-context itself started"

# Tell whether the last sync gave this folder what there is to give and the knowledge base has not changed since.
has_all() {
    read -r root <"$folder/handed" && read -r _ branch <"$root/.git/HEAD" || return 1
    [ -f "$root/.git/$branch" ] && [ ! "$root/.git/$branch" -nt "$folder/handed" ] || return 1
    [ -f "$PWD/.claude/rules/agent-context.md" ] || grep -qxF -- "$PWD" "$folder/nothing"
}

case $event in
session-start | user-prompt-submit)
    if [ "$event" = session-start ] && has_all; then decide "nothing: all is in place"; fi
    # A prompt costs nothing while no other session is open on this machine and nobody has left something to tell.
    set -- "${CLAUDE_CONFIG_DIR:-$HOME/.claude}"/sessions/*.json
    if [ "$event" != session-start ] && [ $# -lt 2 ] && [ ! -e "$folder/tell" ]; then decide "nothing: alone here"; fi
    [ -d "$folder" ] || mkdir -p "$folder"
    sh "${0%/*}/../bin/agent-context" hook "$event" 2>>"$log" || decide "failed with $?"
    exit 0
    ;;
session-end | pre-compact | stop) ;;
*) decide "nothing: no such hook" ;;
esac

# The path stands near the beginning, as it was written in JSON; what else there is may be long.
input=$(head -c 4096; cat >/dev/null)
rest=${input#*\"transcript_path\":}
[ "$rest" != "$input" ] || decide "nothing: no transcript is named"
rest=${rest#*\"}
path=${rest%%\"*}
[ -d "$folder" ] || mkdir -p "$folder"
if [ -f "$spool" ]; then
    if [ "$event" = stop ] && grep -qF -- "$path" "$spool"; then decide "nothing: noted before"; fi
    [ "$(wc -c <"$spool")" -lt 64000 ] || decide "nothing: the spool is full until the next sync"
fi
printf '%s\t%s\t%s\n' "$now" "$event" "$path" >>"$spool" || decide "failed: the spool cannot be written"
decide "noted $path"
