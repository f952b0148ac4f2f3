#!/bin/sh
# Supervises one task of a gang, in a session of its own, whatever becomes of the daemon: claims the task, waits for the gang's word,
# runs it, leaves its exit status. Builtins only, but for the last step: there are as many of these as there are tasks.
#
# usage: supervisor.sh PREFIX GO PROCESS_GROUP MEMORY_GROUP FAULT COMMAND [ARGUMENT...]
#   PREFIX         its files: PREFIX.claim, PREFIX.main, PREFIX.exit
#   GO             exists once the whole gang may run
#   *_GROUP        folders of control groups the task joins, or empty
#   FAULT          where to die, for drills, or empty
# File descriptor 3 is a socket to the launcher: it closes when the launcher dies.
prefix=$1 go=$2 process_group=$3 memory_group=$4 fault=$5
shift 5

die_at() {
  [ "$fault" != "$1" ] || kill -KILL $$
}

# Field 22 of /proc/PID/stat, the start time in clock ticks since boot. The command's name, field 2, may hold spaces and parentheses.
# A task can end, and the shell take note of it, before we look: it has no start then.
read_start() {
  start=
  read -r line < "/proc/$1/stat" || return
  set -- ${line##*) }
  start=${20}
}

# Signals to the task's process group reach us too: a handler, unlike "ignore", is not handed down to the task.
trap : HUP INT QUIT PIPE ALRM TERM USR1 USR2

# The task's log is the task's: what this shell has to say ("cannot open", "Terminated") does not belong into it.
exec 4>&2 2> /dev/null

die_at before-claim
read_start $$
read -r boot < /proc/sys/kernel/random/boot_id
set -C
echo "$$ $start $boot" > "$prefix.claim" || exit 0
set +C
die_at claimed
echo claimed >&3
read -r word <&3
exec 3>&-
[ -e "$go" ] || exit 0
die_at before-task

(
  # Joining fails once the group was taken down: the task was killed before it began.
  for group in "$process_group" "$memory_group"; do
    [ -z "$group" ] || echo 0 > "$group/cgroup.procs" || exit 125
  done
  command -v -- "$1" > /dev/null || {
    echo "orrery: command not found: $1 (PATH is $PATH)" >&2
    exit 127
  }
  exec "$@"
) 2>&4 4>&- &
main=$!
die_at task-started
read_start $main
echo "$main $start" > "$prefix.main"

# A handled signal interrupts "wait" with a status above 128, as does a task that was killed: only the latter is gone afterwards.
while :; do
  wait $main
  status=$?
  [ $status -gt 128 ] && kill -0 $main 2> /dev/null || break
done
# A task that ended in the very moment a signal came is still to be asked; 127 says it was asked already.
wait $main
again=$?
[ $again -eq 127 ] || status=$again
die_at task-exited

# The task's own search path and preloaded libraries end here.
unset LD_PRELOAD LD_LIBRARY_PATH
PATH=/usr/bin:/bin
# On a full disk the status waits for room; only where the whole folder is gone does nobody ask for it any more.
until echo "$status" > "$prefix.exit.tmp" && die_at status-written && sync "$prefix.exit.tmp"; do
  [ -d "${prefix%/*}" ] || exit 1
  sleep 1
done
die_at status-synced
exec mv "$prefix.exit.tmp" "$prefix.exit"
