"""Two processes under PyTorch's launcher train as one does; losing one loses no epoch."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from cohort_tables import trial
from safetensors.torch import load_file
from tiny_training import EXAMPLE, small_cohort, tiny

import hgteach
from hgteach.cli import main
from hgteach.cohorts.reading import write_table
from hgteach.errors import InputError
from hgteach.models import MODELS
from hgteach.models.build import GENERATORS
from hgteach.training import checkpoint, distributed

TOGETHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
QUIET = os.environ | {
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.path.dirname(__file__),
    "CUDA_VISIBLE_DEVICES": "",  # the CPU on every machine
}

pytestmark = pytest.mark.skipif(not dist.is_gloo_available(), reason="PyTorch has no gloo here")

# Batches of 9, 8 and 8 patients, so that the parts are unequal; more patients than fit the memory.
SMALL = {"batch_size": 9, "epochs": 2}


def train_all(folder):
    """Train every model; this module is also the script that the launcher starts."""
    for model in MODELS:
        settings, out = replace(tiny(model), **SMALL), folder / model
        hgteach.train(
            model, small_cohort(25), EXAMPLE, settings=settings, out=out, progress=False
        )


# The gradient of these is zero, since they add the same to everything that is compared: to the
# score of real and made-up patients, or to the weight of every month. What is left is rounding,
# which Adam scales up to a whole step. They change nothing that is made; of what is measured, the
# generator's loss, which is the critic's score itself.
NO_EFFECT = ("critic.to_score.bias", "key.bias")


def assert_moved_alike(one, two):
    """v3 has so many weights that a few gradients are all but zero, and Adam scales their rounding
    up to a whole step. So the differences are held against how far the weights have moved.
    """
    torch.manual_seed(0)
    start = GENERATORS["v3"](EXAMPLE, tiny("v3").architecture).state_dict()
    for name, weight in start.items():
        moved, apart = (
            torch.linalg.vector_norm(x[f"network.{name}"] - y).item()
            for x, y in ((one, weight), (two, one[f"network.{name}"]))
        )
        assert apart <= 0.05 * moved, name


def test_two_processes_train_as_one_does(tmp_path):
    train_all(tmp_path / "one")
    subprocess.run([*TOGETHER, __file__, tmp_path / "two"], env=QUIET, check=True, timeout=120)
    for model in MODELS:
        one, two = (
            load_file(tmp_path / processes / model / checkpoint.FILE_NAME)
            for processes in ("one", "two")
        )
        assert one.keys() == two.keys()
        assert torch.equal(one["random"], two["random"])
        if model == "v3":
            assert_moved_alike(one, two)
        compared = {} if model == "v3" else one
        for name, tensor in compared.items():
            if "_adam." not in name and not name.endswith(NO_EFFECT):
                torch.testing.assert_close(
                    two[name], tensor, rtol=1e-4, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}"
                )
        one, two = (hgteach.Generator.load(tmp_path / n / model) for n in ("one", "two"))
        measured = [c for c in one.history if c not in ("seconds", "generator_loss")]  # see above
        torch.testing.assert_close(
            torch.tensor(two.history[measured].to_numpy()),
            torch.tensor(one.history[measured].to_numpy()),
            rtol=1e-4,
            atol=1e-5,
        )


# The second process is killed in the third epoch, as by a host that fails.
LOSE_ONE = """
import os, signal, sys
from hgteach.cli import main
from hgteach.training import gan

step, epochs = gan.generator_step, gan.GanTraining.epochs
training = None

def watched(self, last):
    global training
    training = self
    return epochs(self, last)

def doomed(*arguments):
    if os.environ["RANK"] == "1" and len(training.history) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(*arguments)

gan.GanTraining.epochs, gan.generator_step = watched, doomed
sys.exit(main())
"""


def test_a_killed_process_ends_the_run_and_resume_goes_on(tmp_path):
    write_table(trial(), tmp_path / "t.csv")
    (tmp_path / "lose_one.py").write_text(LOSE_ONE)
    arguments = ["train", "--model", "v2", "--data", str(tmp_path / "t.csv"), "--patient", "person",
                 "--time", "visit", "--epochs", "3", "--out"]  # fmt: skip
    folder = tmp_path / "two"
    ended = subprocess.run(
        [*TOGETHER, tmp_path / "lose_one.py", *arguments, folder],
        env=QUIET, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode != 0
    assert not (folder / "generator.safetensors").exists()

    command = [*TOGETHER, "--local-ranks-filter", "0", "-m", "hgteach", *arguments, folder]
    resumed = subprocess.run(
        [*command, "--resume"], env=QUIET, capture_output=True, text=True, timeout=120
    )
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.count("The trained generator is in") == 1
    two = hgteach.Generator.load(folder)
    assert two.history["epoch"].tolist() == [1, 2, 3]

    assert main([*arguments, str(tmp_path / "one")]) == 0
    one = hgteach.Generator.load(tmp_path / "one")
    for name, tensor in one.network.state_dict().items():
        torch.testing.assert_close(
            two.network.state_dict()[name], tensor, rtol=1e-3, atol=1e-4, msg=name
        )


@pytest.fixture
def three_processes(monkeypatch):
    """Stand in for the second of three processes; nothing is sent."""
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: 3)
    monkeypatch.setattr(dist, "get_rank", lambda: 1)


def test_every_patient_belongs_to_one_process(three_processes, monkeypatch):
    for patients in (3, 4, 5, 10):
        rows = torch.arange(patients)
        parts = []
        for rank in range(3):
            monkeypatch.setattr(dist, "get_rank", lambda rank=rank: rank)
            parts.append(distributed.my_rows(rows))
        assert torch.equal(torch.cat(parts), rows)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_batch_too_small_for_the_processes_is_refused(three_processes):
    with pytest.raises(InputError, match="2 patients is too small for 3 processes"):
        distributed.my_rows(torch.rand(2, 4))


def test_a_lost_or_different_partner_is_one_sentence(three_processes, monkeypatch):
    def lost(_):
        raise RuntimeError("Connection closed by peer\nmore")

    def two_epochs_behind(tensor):
        tensor[0] = 2

    monkeypatch.setattr(dist, "all_reduce", lost)
    with pytest.raises(InputError, match=r"--resume. \(Connection closed by peer\)$"):
        distributed.all_rows(torch.rand(1, 2), 3)
    monkeypatch.setattr(dist, "all_reduce", two_epochs_behind)
    with pytest.raises(InputError, match="different checkpoints"):
        distributed.check_same_epoch(4)


def test_one_process_is_left_alone():
    rows = torch.rand(4, 2)
    assert distributed.my_rows(rows) is rows
    assert distributed.all_rows(rows, 4) is rows
    assert distributed.is_first() and not distributed.several()


if __name__ == "__main__":
    train_all(Path(sys.argv[1]))
