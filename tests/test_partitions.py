"""Dask on two workers gives what one machine gives."""

import numpy as np
import pytest

from hgteach import partitions
from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.errors import InputError
from hgteach.preprocess import Preprocessor

dataframe = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
PATIENTS = 900  # 54,000 rows: λ is found on 50,000 of them


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    place = str(tmp_path_factory.mktemp("workers"))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
            host="127.0.0.1", local_directory=place, silence_logs=50,
        ) as two,
        distributed.Client(two) as client,
    ):
        yield client


def test_two_workers_fit_and_apply_as_one_machine_does(cluster, tmp_path):
    table = simulate_art_hiv(PATIENTS, 3)
    for number, rows in enumerate(np.array_split(np.arange(len(table)), 5)):
        table.iloc[rows].to_parquet(tmp_path / f"part-{number}.parquet", index=False)
    parts = dataframe.read_parquet(tmp_path)
    assert parts.npartitions > 1

    found = partitions.fit(parts, ART_HIV)
    once = Preprocessor(ART_HIV).fit(ART_HIV.label(table))
    assert found.to_dict() == once.to_dict()

    matrix = partitions.transform(found, parts)
    assert matrix.shape == (len(table), ART_HIV.width) and matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix.compute(), once.transform(ART_HIV.label(table)))
    assert len(cluster.scheduler_info()["workers"]) == 2
    worked = cluster.run(lambda dask_worker: len(dask_worker.state.log))
    assert all(worked.values()), "a worker had nothing to do"


def test_what_is_wrong_in_a_partition_is_told_as_on_one_machine(cluster):
    table = simulate_art_hiv(20, 3)
    table.loc[700, "VL"] = np.nan
    with pytest.raises(InputError, match="'VL' has no finite number"):
        partitions.fit(dataframe.from_pandas(table, npartitions=3), ART_HIV)
