#!/bin/sh
# One task of a gang, started by srun: gives it the environment that tasks have, runs it, notes the first that fails. Or the script that runs
# once, in the batch step, and starts its ranks itself.
#
# usage: slurm-rank.sh JOB_FOLDER ATTEMPT_FOLDER ATTEMPT MASTER_ADDR MASTER_PORT [apptainer|'' [once]]
job=$1 folder=$2 attempt=$3 master=$4 port=$5 container=$6 once=$7
: > "$folder/begun"

# What Slurm says stays, what came from a login or a module does not: a task has the environment its job was submitted with.
gpus=${CUDA_VISIBLE_DEVICES-}
cpus=${SLURM_CPUS_PER_TASK:-1}
tasks=${SLURM_STEP_NUM_TASKS:-$SLURM_NTASKS}
for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
  case $name in
    SLURM* | PMI* | *_VISIBLE_DEVICES | GPU_DEVICE_ORDINAL | HOME | USER | LOGNAME | PWD | TMPDIR | KRB5CCNAME) ;;
    *) unset "$name" ;;
  esac
done
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
[ -n "$once" ] || export OMP_NUM_THREADS="$cpus"

. "$job/job.sh"
[ ! -e "$job/secrets.sh" ] || . "$job/secrets.sh"
# As they would be had the job been handed to sbatch by hand.
export SLURM_SUBMIT_DIR="$work_folder" SLURM_JOB_NAME="$ORRERY_JOB_NAME"
export MASTER_ADDR="$master" MASTER_PORT="$port" ORRERY_ATTEMPT="$attempt" ORRERY_NODE="$SLURMD_NODENAME"

if [ -n "$once" ]; then
  # It is no rank, and its srun hands the environment on.
  unset SLURM_EXPORT_ENV
  cd "$work_folder" && exec "$@"
  exit
fi
local_tasks=$((tasks / SLURM_STEP_NUM_NODES))

# The node's GPUs are dealt to its tasks in contiguous runs; neighbours share one where there are more tasks than GPUs.
if [ -n "$gpus" ]; then
  count=$(echo "$gpus" | tr ',' '\n' | wc -l)
  first=$((SLURM_LOCALID * count / local_tasks))
  end=$(((SLURM_LOCALID + 1) * count / local_tasks))
  [ $end -gt $first ] || end=$((first + 1))
  export CUDA_VISIBLE_DEVICES="$(echo "$gpus" | cut -d , -f "$((first + 1))-$end")"
fi

export WORLD_SIZE="$tasks" RANK="$SLURM_PROCID" LOCAL_RANK="$SLURM_LOCALID" LOCAL_WORLD_SIZE="$local_tasks" NODE_RANK="$SLURM_NODEID"
export ORRERY_RANK_METRICS="$folder/rank-$RANK.ndjson"

fail() {
  ln -s "$RANK $1 $SLURMD_NODENAME" "$folder/failed" 2> /dev/null
  exit "$1"
}
cd "$work_folder" || fail 1
[ -z "$container" ] || set -- "$container" exec ${gpus:+--nv} --bind "$job,$work_folder" --pwd "$work_folder" "$image" "$@"
command -v -- "$1" > /dev/null || {
  echo "orrery: command not found: $1 (PATH is $PATH)" >&2
  fail 127
}

# Signals reach every process of the step; a handler, unlike "ignore", is not handed down to the task.
trap : HUP INT QUIT PIPE ALRM TERM USR1
# By this the batch script ends an attempt whose job was submitted anew, and all that does not heed it.
trap '[ ! -e "$folder/superseded" ] || kill -KILL 0' USR2
"$@" &
main=$!
while :; do
  wait $main
  status=$?
  [ $status -gt 128 ] && kill -0 $main 2> /dev/null || break
done
wait $main
again=$?
[ $again -eq 127 ] || status=$again
[ $status -eq 0 ] || fail "$status"
