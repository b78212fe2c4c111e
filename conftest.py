"""What holds for every test and every notebook: your own data stay untouched, and no network."""

import os
import shutil
import tempfile

import pytest

CLOSED = "http://127.0.0.1:9"  # nothing listens on the discard port, so a request fails at once


def pytest_configure(config: pytest.Config) -> None:
    """Point the process, its workers and its kernels at an empty data folder and a dead proxy."""
    if hasattr(config, "workerinput"):
        return  # a worker inherits the variables of the process that started it
    config.hgteach_data = tempfile.mkdtemp(prefix="hgteach-test-")
    os.environ["HGTEACH_DATA"] = config.hgteach_data
    os.environ["TQDM_DISABLE"] = "1"
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ[name] = os.environ[name.upper()] = CLOSED
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the data folder again."""
    if hasattr(config, "hgteach_data"):
        shutil.rmtree(config.hgteach_data, ignore_errors=True)
