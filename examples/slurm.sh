#!/usr/bin/env bash
# A bench on a Slurm allocation: sbatch --nodes 8 examples/slurm.sh --profile lab --method all --seeds 5
# On nodes with GPUs: sbatch --nodes 4 --gpus-per-node 8 examples/slurm.sh --profile paper --method all
# The submission folder is on a file system that all nodes share, and .venv/bin/slmr in it.
#SBATCH --job-name=slmr
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=12:00:00
set -euo pipefail
cd "$SLURM_SUBMIT_DIR"

bin="$PWD/.venv/bin"
port=6379
head="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"
export RAY_ADDRESS="$head:$port"

srun --nodes=1 --ntasks=1 --nodelist="$head" "$bin/ray" start --head --port="$port" --block &
until "$bin/ray" status >/dev/null 2>&1; do sleep 2; done
if [ "$SLURM_NNODES" -gt 1 ]; then
  srun --nodes="$((SLURM_NNODES - 1))" --ntasks="$((SLURM_NNODES - 1))" --exclude="$head" \
    "$bin/ray" start --address="$RAY_ADDRESS" --block &
fi

# The driver runs here, on the first node. Killed at the time limit, the same command goes on.
"$bin/slmr" bench --executor ray "$@"
