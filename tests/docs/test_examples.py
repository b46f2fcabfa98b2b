"""The examples for clusters can be read by what they are for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_script_for_slurm_is_a_script() -> None:
    subprocess.run(["bash", "-n", EXAMPLES / "slurm.sh"], check=True)
    assert (EXAMPLES / "slurm.sh").stat().st_mode & 0o100


def test_the_job_for_kuberay_mounts_one_volume_in_every_pod() -> None:
    claim, job = yaml.safe_load_all((EXAMPLES / "kuberay.yaml").read_text())
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    assert job["kind"] == "RayJob" and "--executor ray --out /runs" in job["spec"]["entrypoint"]
    for pod in (group["template"]["spec"] for group in groups):
        (volume,) = pod["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert all(c["volumeMounts"] == [{"name": "runs", "mountPath": "/runs"}] for c in pod["containers"])
