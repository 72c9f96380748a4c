"""One seed for the whole run, from CKPT_SEED or at random; every test draws from its own generator made of seed and name."""
import os
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import pytest

SEED = int(os.environ.get("CKPT_SEED") or int.from_bytes(os.urandom(4), "little"))


def pytest_report_header(config):
    import ckpt
    return [f"CKPT_SEED={SEED}", f"library {ckpt.LIBRARY} {ckpt.version()}"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        report.sections.append(("seed", f"CKPT_SEED={SEED}"))
    return report


@pytest.fixture
def rng(request):
    return np.random.default_rng([SEED, zlib.crc32(request.node.name.encode())])


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "ck")
