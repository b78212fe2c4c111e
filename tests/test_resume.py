"""Stop a training in any way, and go on: nothing is lost, nothing changes, nothing is guessed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
import torch
from cohort_tables import trial
from safetensors import SafetensorError
from safetensors.torch import save_file
from tiny_training import EXAMPLE, TINY, small_cohort, tiny

import hgteach
from hgteach.cli import main
from hgteach.cohorts.reading import write_table
from hgteach.errors import InputError
from hgteach.models import MODELS
from hgteach.training import checkpoint, container
from hgteach.training.generator import FILE_NAME

COLUMNS = ("--patient", "person", "--time", "visit")
no_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def run(folder=None, *, model="v1", table=None, schema=EXAMPLE, **options):
    table = small_cohort() if table is None else table
    return hgteach.train(
        model, table, schema, settings=tiny(model), out=folder, progress=False, **options
    )


def assert_same_weights(one, other):
    for name, tensor in one.network.state_dict().items():
        assert torch.equal(tensor, other.network.state_dict()[name]), name


def leftovers(folder):
    return [path for path in folder.iterdir() if path.name.startswith(".")]


KILLED_WHILE_WRITING = """
import os, signal, sys
from hgteach.training import container
from tiny_training import EXAMPLE, small_cohort, tiny
import hgteach

whole_file, writings = container.save_file, 0

def half_a_file(tensors, path, metadata):
    global writings
    whole_file(tensors, path, metadata)
    writings += 1
    if writings == 11:
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)

container.save_file = half_a_file
hgteach.train(sys.argv[1], small_cohort(), EXAMPLE, settings=tiny(sys.argv[1]), epochs=20,
              out=sys.argv[2], progress=False)
"""


@no_signals
@pytest.mark.parametrize("model", MODELS)
def test_killed_in_the_middle_of_a_write_and_resumed_ends_in_the_same_tensors(model, tmp_path):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_WRITING, model, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.path.dirname(__file__)},
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(leftovers(tmp_path)) == 1
    about, _ = container.read(tmp_path / checkpoint.FILE_NAME, checkpoint.KIND)
    assert len(about["history"]) == 10

    resumed = run(tmp_path, model=model, epochs=20, resume=True)
    whole = run(model=model, epochs=20)
    assert_same_weights(whole, resumed)
    if model in ("v2", "v2.5"):
        assert whole.network.memory.filled == TINY.architecture.memory_size
    without_time = [c for c in whole.history if c != "seconds"]
    assert whole.history[without_time].equals(resumed.history[without_time])
    assert resumed.history["epoch"].tolist() == list(range(1, 21))
    assert not leftovers(tmp_path)


def test_what_a_checkpoint_holds_matters_to_the_last_bit(tmp_path):
    """Without optimisers, memory or random state, the same resume ends elsewhere."""
    run(tmp_path / "a", model="v2", epochs=2)
    about, tensors = container.read(tmp_path / "a" / checkpoint.FILE_NAME, checkpoint.KIND)
    whole = run(model="v2", epochs=3).network.lstm.weight_ih_l0
    other_random = torch.Generator().manual_seed(99).get_state()
    for name, value in [
        ("critic_adam.0.exp_avg", 0), ("generator.memory.spread", 1), ("random", other_random)
    ]:  # fmt: skip
        changed = dict(tensors)
        changed[name] = torch.as_tensor(value, dtype=tensors[name].dtype).expand_as(tensors[name])
        folder = container.make_folder(tmp_path / name)
        container.write(folder / checkpoint.FILE_NAME, checkpoint.KIND, about, changed)
        resumed = run(folder, model="v2", epochs=3, resume=True)
        assert not torch.equal(resumed.network.lstm.weight_ih_l0, whole), name


@pytest.mark.parametrize("written", [True, False])
def test_an_interrupt_keeps_the_last_finished_epoch(tmp_path, monkeypatch, capsys, written):
    """Just after the second checkpoint was written, or in the middle of it."""
    save, interrupts = checkpoint.save, iter([KeyboardInterrupt])

    def interrupted(folder, training, identity):
        interrupt = next(interrupts, None) if len(training.history) == 2 else None
        if interrupt and not written:
            raise interrupt
        save(folder, training, identity)
        if interrupt:
            raise interrupt

    monkeypatch.setattr(checkpoint, "save", interrupted)
    kept = run(tmp_path, epochs=50)
    assert "Keeping epoch 2 of 50" in capsys.readouterr().err
    assert kept.history["epoch"].tolist() == [1, 2]
    assert_same_weights(run(epochs=2), kept)
    assert_same_weights(run(epochs=4), run(tmp_path, epochs=4, resume=True))


def test_an_interrupt_before_the_first_epoch_is_finished_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("hgteach.training.gan.generator_step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert not list(tmp_path.iterdir())


@no_signals
def test_control_c_in_a_terminal_keeps_the_last_finished_epoch(tmp_path):
    write_table(trial(), tmp_path / "t.csv")
    out = tmp_path / "v1"
    command = [sys.executable, "-m", "hgteach", "train", "--model", "v1", "--data",
               str(tmp_path / "t.csv"), *COLUMNS, "--epochs", "100000", "--out", str(out)]
    # Tests that run in the background were told to ignore Control-C; a terminal's programs are not.
    listening = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=listening)
    try:
        deadline = time.monotonic() + 90
        while not (out / checkpoint.FILE_NAME).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()  # nothing happens to a process that has ended
    assert process.returncode == 0, said
    epochs = len(hgteach.Generator.load(out).history)
    assert f"Keeping epoch {epochs} of 100000" in said
    assert "Traceback" not in said
    about, _ = container.read(out / checkpoint.FILE_NAME, checkpoint.KIND)
    assert len(about["history"]) == epochs
    assert not leftovers(out)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder that ``hgteach train`` filled, and the table that it read."""
    folder = tmp_path_factory.mktemp("trained")
    write_table(trial(), folder / "t.csv")
    assert train(folder / "t.csv", folder / "v2") == 0
    return folder


def train(data, out, *options, model="v2"):
    return main(["train", "--model", model, "--data", str(data), "--out", str(out), *COLUMNS,
                 "--epochs", "1", *options])


def test_a_second_training_does_not_replace_the_first(trained, tmp_path, capsys):
    out = tmp_path / "v2"
    shutil.copytree(trained / "v2", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert train(trained / "t.csv", out) == 2
    assert f"{out} already holds a training of 1 epochs. Add --resume" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    (out / checkpoint.FILE_NAME).unlink()
    assert train(trained / "t.csv", out) == 2
    assert "already holds a trained generator" in capsys.readouterr().err
    assert (out / FILE_NAME).read_bytes() == before[FILE_NAME]


def damage(kind, whole, path):
    """Write what might lie there instead of a checkpoint."""
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "not safetensors":
        path.write_bytes(b"not tensors at all")
    elif kind == "pickle":
        torch.save({"a": torch.ones(2)}, path)
    elif kind == "another project's":
        save_file({"weight": torch.ones(2)}, path)
    elif kind == "another version":
        path.write_bytes(whole.replace(b"checkpoint, version 1", b"checkpoint, version 9"))
    elif kind == "tensor missing":
        path.write_bytes(whole)
        about, tensors = container.read(path, checkpoint.KIND)
        del tensors["critic.lstm.weight_hh_l0"]
        container.write(path, checkpoint.KIND, about, tensors)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("empty", "is damaged"), ("truncated", "is damaged"), ("not safetensors", "is damaged"),
        ("pickle", "is damaged"), ("another project's", "holds 'something else'"),
        ("another version", "holds 'checkpoint, version 9'"),
        ("tensor missing", "does not hold this model"),
    ],
)  # fmt: skip
def test_a_bad_checkpoint_is_refused_in_a_sentence_and_left_alone(
    trained, tmp_path, capsys, kind, says
):
    path = tmp_path / checkpoint.FILE_NAME
    damage(kind, (trained / "v2" / checkpoint.FILE_NAME).read_bytes(), path)
    before = path.read_bytes()
    assert train(trained / "t.csv", tmp_path, "--resume") == 2
    said = capsys.readouterr().err
    assert says in said and str(path) in said and "Traceback" not in said
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_checkpoint_of_something_else_is_refused_and_left_alone(trained, tmp_path, capsys):
    shutil.copytree(trained / "v2", tmp_path, dirs_exist_ok=True)
    path = tmp_path / checkpoint.FILE_NAME
    before = path.read_bytes()
    write_table(trial().drop(columns="weight"), tmp_path / "narrow.csv")
    write_table(trial(9), tmp_path / "few.csv")
    for data, options, says in [
        ("narrow.csv", {}, "another table"),
        ("few.csv", {}, "another table"),
        (trained / "t.csv", {"model": "v2.5"}, "other columns or settings"),
        (trained / "t.csv", {"model": "v1"}, "other columns or settings"),
    ]:
        assert train(tmp_path / data, tmp_path, "--resume", **options) == 2
        assert says in capsys.readouterr().err
    assert train(trained / "t.csv", tmp_path, "--resume", "--seed", "5") == 2
    assert "other columns or settings" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_to_resume_there_must_be_a_checkpoint(tmp_path):
    with pytest.raises(InputError, match=r"no checkpoint\.safetensors"):
        run(tmp_path, resume=True)


def test_reading_a_checkpoint_runs_no_code(trained, tmp_path, monkeypatch):
    """A pickle that would leave a mark when loaded leaves none."""

    class Mark:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "mark"),))

    torch.save({"a": Mark()}, tmp_path / checkpoint.FILE_NAME)
    assert train(trained / "t.csv", tmp_path, "--resume") == 2
    assert not (tmp_path / "mark").exists()


def test_the_order_of_the_rows_does_not_matter_to_a_resume(tmp_path):
    table = small_cohort()
    run(tmp_path, table=table, epochs=1)
    shuffled = table.iloc[np.random.default_rng(0).permutation(len(table))]
    resumed = run(tmp_path, table=shuffled, epochs=2, resume=True)
    assert_same_weights(run(table=table, epochs=2), resumed)


def test_a_full_disk_is_a_sentence_and_keeps_what_was_there(tmp_path, monkeypatch):
    run(tmp_path, epochs=1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_, **__):
        raise SafetensorError("Error while serializing: No space left on device")

    monkeypatch.setattr(container, "save_file", full)
    with pytest.raises(InputError, match=r"cannot be written .*No space left"):
        run(tmp_path, epochs=2, resume=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_generator_that_is_not_whole_is_told(tmp_path):
    assert repr(run(tmp_path, epochs=1)).startswith("<Generator v1: 7 columns, 1 epochs on ")
    about, tensors = container.read(tmp_path / FILE_NAME, "generator, version 1")
    spoilt = {"times": None, "layout": {**about["layout"], "order": ["a"]}}
    for key, value in [*spoilt.items(), ("layout", [])]:
        changed = {k: v for k, v in (about | {key: value}).items() if k != "kind"}
        container.write(tmp_path / FILE_NAME, about["kind"], changed, tensors)
        with pytest.raises(InputError, match="does not fit together"):
            hgteach.training.Generator.load(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    with pytest.raises(InputError, match="cut off"):
        hgteach.training.Generator.load(tmp_path)
