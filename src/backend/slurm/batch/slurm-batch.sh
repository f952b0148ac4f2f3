# Slurm runs the files of a login shell before this one: another cluster that they name is not meant.
unset SLURM_CLUSTERS

# Nothing is begun, and nobody else has it.
no_room() {
  echo "orrery: $job on $(uname -n) takes no files: is its disk full, or a quota used up?" >&2
  exit 77
}

# Whoever comes second does nothing, and says so with a status of its own.
duplicate() {
  echo "orrery: Slurm job $SLURM_JOB_ID does nothing: $1" >&2
  exit 73
}

# Several nodes may fail for one that they lost, and SIGKILL may be Slurm's, which gave the job up.
is_own_failure() {
  [ "$1" -ne 137 ] && [ "$2" -eq 1 ]
}

# Slurm takes a dependency on a job that it has forgotten for fulfilled, and one on a job that is submitted again under another number too. So
# the job before this one has to be over by what is on the shared folder: by the daemon's mark, or by the word of an attempt that ended by
# itself since the job was submitted last. The loss of a node may take back what several nodes called a failure, never a success.
has_ended() (
  if read -r state < "$before/ended"; then
    case $condition:$state in
      after:* | afterany:* | afterok:COMPLETED) exit 0 ;;
      afternotok:COMPLETED) exit 1 ;;
      afternotok:?*) exit 0 ;;
    esac
    exit 1
  fi
  read -r record < "$before/submission.json" || exit
  case $record in *'"isDue":true'*) exit 1 ;; esac
  [ "$condition" != after ] || {
    has_started
    exit
  }
  told=
  for word in "$before"/attempts/*/exit; do
    number=${word%/exit}
    [ "${number##*/}" -gt "$(field base)" ] && read -r status how < "$word" || continue
    [ -z "$how" ] || {
      told=yes
      continue
    }
    [ "$status" -ne 0 ] || [ "$condition" = afternotok ] || exit 0
    [ "$status" -eq 0 ] || [ "$condition" = afterok ] || ! is_own_failure "$status" "$nodes" || exit 0
  done
  # One that was told to end is over where Slurm says that its time was up; otherwise it may run again.
  [ "$condition" != afterok ] && [ -n "$told" ] || exit
  home=${slurm_name##*.orrery-}
  key=$(field arrayKey)
  id=$(field arrayTask)
  name=.orrery-${home%%-*}-${key:-$predecessor}-$(field submission)
  case $(scontrol -o show job "${id:-$(field slurmJobId)}") in
    *"$name "*" JobState=TIMEOUT "*) ;;
    *) exit 1 ;;
  esac
) 2> /dev/null

# Whether the last attempt since the job was submitted last began so many seconds ago; for the delay the clocks of the nodes have to agree.
has_started() {
  last=$(field base)
  for word in "$before"/attempts/*/holder; do
    number=${word%/holder}
    number=${number##*/}
    [ ! -L "$word" ] || [ "$number" -le "$last" ] || last=$number
  done
  [ "$last" -gt "$(field base)" ] && since=$(stat -c %Y "$before/attempts/$last/holder") || return
  [ "$(($(date +%s) - since))" -ge "$nodes" ]
}

# A number or a word of the record that the daemon keeps of a job; nothing where it has none.
field() {
  case $record in *"\"$1\":"*) ;; *) return ;; esac
  value=${record#*"\"$1\":"}
  value=${value%%[,\}]*}
  value=${value#\"}
  value=${value%\"}
  [ "$value" = null ] || echo "$value"
}

# One of the jobs that are waited for; of `after` the last part is not a number of nodes, but of seconds since its start.
is_met() {
  condition=${1%%:*}
  nodes=${1##*:}
  predecessor=${1#*:}
  predecessor=${predecessor%:*}
  before=${job%/*}/$predecessor
  has_ended
}

any_met() {
  for word in $predecessors; do
    is_met "$word" && return
  done
  return 1
}

# The daemon's mark may be a look at Slurm behind. Whoever waited in vain has claimed nothing.
wait_until() {
  until "$@"; do
    [ $((waited += 2)) -le 20 ] || {
      case $1:$condition in
        any_met:*) vain='of the jobs that it waits for none is far enough' ;;
        *:after) vain="job $predecessor, which it waits for, has not started" ;;
        *) vain="job $predecessor, which it waits for, has not ended" ;;
      esac
      echo "orrery: Slurm job $SLURM_JOB_ID begins nothing: $vain" >&2
      exit 76
    }
    sleep 2
  done
}

wait_for_predecessors() {
  waited=0
  [ -z "$any_enough" ] || {
    wait_until any_met
    return
  }
  for word in $predecessors; do wait_until is_met "$word"; done
}

# The owner of a name on the shared folder is decided by the creation of a symbolic link, which is atomic also over NFS and, where the
# answer to it was lost, tells afterwards whose it is.
claim() {
  ln -s "$1" "$2" 2> /dev/null || [ -L "$2" ] || no_room
  [ "$(readlink "$2")" = "$1" ]
}

# A slurmctld that has forgotten that the job began leaves what runs alone for a while, or for good. That attempt ends itself when it sees that
# the job was submitted anew.
wait_for_unended() {
  waited=0
  until [ -e "$last/exit" ] || [ $((waited += 1)) -gt 30 ]; do
    sleep 1
  done
}

end_when_submitted_anew() {
  while
    sleep 10 &
    wait $!
  do
    submitted=$(cat "$job/submission" 2> /dev/null)
    # Nothing: the file server is away.
    if [ -n "$submitted" ] && [ "$submitted" != "$submission" ]; then
      : > "$folder/superseded"
      # One of the two signals that srun hands on to its tasks by itself. To end them it would ask slurmctld, which knows nothing of them.
      if [ -n "$once" ]; then
        trap '' USR2
        kill -USR2 0
        sleep 5
        kill -KILL "$tasks"
      else
        kill -USR2 "$tasks"
      fi
    fi
  done
}

# Of the attempt's nodes, those that do not answer Slurm, and those whose slurmd began anew since the attempt did; in a time of which no hour comes twice.
gone_nodes() {
  TZ=UTC0 SLURM_TIME_FORMAT=standard scontrol -o show node "$SLURM_JOB_NODELIST" | awk -v begun="$begun" '{
    state = since = ""
    for (word = 2; word <= NF; word += 1) {
      if (state == "" && $word ~ /^State=/) state = $word
      if (since == "" && $word ~ /^SlurmdStartTime=[0-9]/) since = substr($word, 17)
    }
    if (state ~ /DOWN|NOT_RESPONDING|[*]/ || since > begun) print substr($1, 10)
  }'
}

# Whether slurmctld does not know that this job runs: it began with an older memory, or none, and has its nodes kill what they tell it of. By its
# number it may mean another of our jobs; one with a name of quite another kind somebody has renamed.
is_forgotten() {
  tries=0
  until said=$(scontrol -o show job "$SLURM_JOB_ID" 2>&1); do
    case $said in *'Invalid job id'*) return 0 ;; esac
    [ $((tries += 1)) -lt 6 ] || return 1
    sleep 5
  done
  case $said in
    # An operator has taken nodes of it away (`scontrol update NumNodes=`), and Slurm has killed what ran there.
    *' ResizeTime='*) return 0 ;;
    *" JobName=$slurm_name "*' JobState=RUNNING '*) return 1 ;;
    *' JobName='*.orrery-*' JobState='*) return 0 ;;
  esac
  return 1
}

# Whether Slurm is about to take its nodes for another job, and gives it a GraceTime before. That of an attempt before this one is none of it.
is_preempted() {
  TZ=UTC0 SLURM_TIME_FORMAT=standard scontrol -o show job "$SLURM_JOB_ID" 2> /dev/null | awk '{
    for (word = 1; word <= NF; word += 1) {
      if (begun == "" && $word ~ /^StartTime=/) begun = substr($word, 11)
      if (told == "" && $word ~ /^PreemptTime=/) told = substr($word, 13)
    }
  }
  END { exit !(told ~ /^[0-9]/ && told >= begun) }'
}

# Writes down how the attempt ended, whole; in the room that was taken for it, where there is no more.
note() {
  [ "$(cat "$folder/exit" 2> /dev/null)" != "$1" ] || return 0
  until echo "$1" 1<> "$folder/exit.tmp" && sync "$folder/exit.tmp"; do
    [ -d "$folder" ] || return
    sleep 1
  done
  mv "$folder/exit.tmp" "$folder/exit"
}

# The same, and ends.
leave() {
  note "$1"
  exit "${1%% *}"
}

# Not the folder itself: Slurm 24.11 makes it, where it is to write the script's output.
[ -e "$job/submission" ] || {
  echo "orrery: $job is not there on $(uname -n): the folder of Orrery's jobs has to be shared by all nodes" >&2
  exit 74
}
mkdir -p "$job/owners" "$job/attempts"
owner=$job/owners/$submission
[ -L "$owner" ] || wait_for_predecessors
[ "$(cat "$job/submission")" = "$submission" ] || duplicate 'its job was submitted anew'
claim "$SLURM_JOB_ID" "$owner" || duplicate "its job runs as Slurm job $(readlink "$owner")"
last=$job/attempts/$base
begun=$(TZ=UTC0 date +%Y-%m-%dT%H:%M:%S)
[ -z "$unended" ] || wait_for_unended
attempt=$((base + ${SLURM_RESTART_COUNT:-0} + 1))
# A slurmctld that lost its memory of an end begins a job anew: what ended by itself has ended.
before=$base
while [ $((before += 1)) -lt "$attempt" ]; do
  read -r status how 2> /dev/null < "$job/attempts/$before/exit" && [ -z "$how" ] && exit "$status"
done
folder=$job/attempts/$attempt
mkdir -p -m 700 "$folder"
claim "$SLURM_JOB_ID.$(uname -n).$$" "$folder/holder" || duplicate "attempt $attempt was begun before"
# Room for its end, one byte shorter than the shortest: on a disk that is full by then it would keep its nodes until that is not. One that is full
# now may have taken the claim, which fits into a directory.
echo > "$folder/exit.tmp" && sync "$folder/exit.tmp" || {
  rm -f "$folder/holder"
  no_room
}
# It came to an end by itself after all, and that is the end of the job; unless it may have failed for a node that it lost.
if [ -n "$unended" ] && read -r status how 2> /dev/null < "$last/exit" && [ -z "$how" ]; then
  [ "$status" -ne 0 ] && ! is_own_failure "$status" "$SLURM_JOB_NUM_NODES" || leave "$status"
fi

# The rendezvous: the first node, where this script runs, and a port that nobody listens on, below those the system gives out.
master=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
getent hosts "$master" > /dev/null || {
  address=$(scontrol -o show node "$master" | sed -n 's/.* NodeAddr=\([^ ]*\) .*/\1/p')
  master=${address:-$master}
}
port=$(cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | awk -v seed="$((SLURM_JOB_ID * 7 + attempt))" '
  { split($2, local, ":"); taken[tolower(local[2])] = 1 }
  END {
    for (step = 0; step < 12000; step += 1) {
      port = 20000 + (seed + step) % 12000
      if (!(sprintf("%04x", port) in taken)) { print port; exit }
    }
  }')

# The signals are for the tasks: this script lives on to note how they ended, and whether they were told to.
how=
trap 'how=TERM' TERM
trap : HUP INT QUIT USR1 USR2 ALRM
# What Slurm sends to this script alone is meant for the one that runs once.
if [ -n "$once" ]; then
  for name in HUP INT QUIT USR1 USR2; do trap "kill -$name \"\$tasks\"" "$name"; done
  trap 'kill "-${warning:-ALRM}" "$tasks"' ALRM
fi
# Images of containers are Pyxis' where Slurm has that plugin; elsewhere the program is run by Apptainer on each node.
container=
set --
if [ -n "$image" ]; then
  if srun --help 2> /dev/null | grep -q -e --container-image; then
    work_folder=$(. "$job/job.sh" && echo "$work_folder")
    set -- --container-image="$image" --container-mounts="$job,${rank_script%/*},$work_folder"
  else
    container=apptainer
  fi
fi
# Where the job says nothing its ranks share what Slurm gave; of unlike nodes the smallest counts.
if [ -z "$cpus_per_task" ]; then
  given=$(echo "$SLURM_JOB_CPUS_PER_NODE" | tr , '\n' | sort -n | sed 's/(.*//; q')
  cpus_per_task=$((${given:-1} / tasks_per_node))
  [ "$cpus_per_task" -gt 0 ] || cpus_per_task=1
fi
if [ -n "$once" ]; then
  : > "$folder/srun.err"
  /bin/sh "$rank_script" "$job" "$folder" "$attempt" "$master" "$port" '' once \
    < /dev/null >> "$folder/rank-0.out" 2>> "$folder/rank-0.err" &
  tasks=$!
else
  srun "$@" --export=ALL --kill-on-bad-exit=1 --distribution=block --input=none --open-mode=append \
    --ntasks-per-node="$tasks_per_node" --cpus-per-task="$cpus_per_task" \
    --output="$folder_pattern/$attempt/rank-%t.out" --error="$folder_pattern/$attempt/rank-%t.err" \
    /bin/sh "$rank_script" "$job" "$folder" "$attempt" "$master" "$port" "$container" 2> "$folder/srun.err" &
  tasks=$!
fi
end_when_submitted_anew > /dev/null 2>&1 &
watch=$!
# A handled signal interrupts "wait" with a status above 128; only a srun that has ended is gone afterwards.
while :; do
  wait $tasks
  status=$?
  [ $status -gt 128 ] && kill -0 $tasks 2> /dev/null || break
done
wait $tasks
again=$?
[ $again -eq 127 ] || status=$again
# A script that put its own job back in the queue is told to end a moment later, and may end before: it is not over.
if [ -n "$once" ] && [ -z "$how" ] && grep -q requeue "$job/script"; then
  sleep 3 &
  wait $!
fi 2> /dev/null
# Another signal it may miss: where srun ends at once it has not come as far as its trap.
kill -KILL $watch 2> /dev/null
[ ! -e "$folder/superseded" ] || how=TERM
cat "$folder/srun.err" >&2
# What Slurm calls off srun waits for, in vain where nothing tells of the tasks' ends, and then ends with the highest status that it knows: 0, of none.
vain=
grep -q 'Timed out waiting for job step' "$folder/srun.err" && vain=yes
# No task has begun: nothing has happened, and the attempt is free to be begun again.
if [ "$status$vain" != 0 ] && [ -z "$how" ] && [ ! -e "$folder/begun" ]; then
  rm -f "$folder/holder"
  exit 75
fi
# The sruns of one that runs once are its own, and say it where it writes.
if [ -n "$once" ] && [ "$status" -ne 0 ]; then
  tail -c 8192 "$folder/rank-0.err" | grep '^srun: error: ' > "$folder/srun.err"
  ln -s "0 $status $SLURMD_NODENAME" "$folder/failed"
fi
grep -q 'Node failure' "$folder/srun.err" && how=NODE
# The ranks that are left fail first. srun kills the gang for it, and waits in vain for the ends of those on a node that has gone.
if [ -z "$how" ] && { [ -n "$vain" ] || grep -q 'Task launch for .* failed on node' "$folder/srun.err"; }; then
  gone_nodes > "$folder/lost"
  [ ! -s "$folder/lost" ] || how=NODE
fi
# srun gives the highest status of all tasks; what counts is that of the first that failed. One that SIGKILL ended with its shell has not said so
# itself: srun names first what ended first, unless srun was told first to call all of them off.
first=
[ -n "$once" ] || first=$(grep -m 1 -E '^srun: (error: )?([^ ]+: tasks? [0-9].*: |Job step aborted)' "$folder/srun.err")
failed=$(readlink "$folder/failed")
killed=$(echo "$first" | sed -n 's/^srun: error: \([^ ]*\): tasks* \([0-9]*\).*: Killed$/\2 137 \1/p')
case $failed in '' | *' 137 '* | *' 143 '*) [ -z "$killed" ] || { failed=$killed && ln -sfn "$failed" "$folder/failed"; } ;; esac
[ -z "$failed" ] || { status=${failed#* }; status=${status%% *}; }
[ "$status$vain" != 0yes ] || how=${how:-TERM}
# That memory ran out Slurm's daemons say where the ranks write, at the end. The same words of a program have no such beginning.
[ "$status" -eq 0 ] || (
  cd "$folder" && tail -q -c 8192 rank-*.err srun.err |
    grep -m 1 -E '^(slurmstepd[^ :]*|srun): error: .*(exceeded memory limit \(|oom[-_]kill event|: Out Of Memory)' > memory
) 2> /dev/null
# The rank that had it was killed; srun may tell the end of another first, which it asked to end for that.
[ "$status" -ne 143 ] || [ ! -s "$folder/memory" ] || status=137
# A task kills itself, or Slurm kills all of them: where it does so without a word to this script nobody asked for that.
if [ "$status" -eq 137 ] && [ -z "$how" ] && [ ! -s "$folder/memory" ]; then
  case $first in
    *'Job step aborted'*) how=KILL ;;
    *) ! is_forgotten || how=KILL ;;
  esac
fi
# Of a GraceTime Slurm tells the tasks alone, by SIGTERM. Were their end that of this script too, it would be a failure to Slurm, and not put back in
# the queue: what is done to it is seen when the time is over.
told=
# Slurm signals the tasks before this script, which may come to its end in between: what SIGTERM ended was told to.
[ "$status" -ne 143 ] || told=TERM
if [ "$status" -ne 0 ] && [ -z "$how" ] && [ ! -s "$folder/memory" ]; then
  # A slurmctld that has forgotten the job may have this script killed before it answers: then that was the end.
  note "$status${told:+ $told}"
  if is_preempted; then
    # The same room again: what follows is no shorter.
    mv "$folder/exit" "$folder/exit.tmp"
    while [ -z "$how" ] && is_preempted; do
      sleep 5 &
      wait $!
    done 2> /dev/null
    how=${how:-KILL}
  fi
fi
how=${how:-$told}
leave "$status${how:+ $how}"
