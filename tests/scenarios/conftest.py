"""The seed of the run, from CKPT_SEED or at random."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))
os.environ.setdefault("CKPT_SEED", str(int.from_bytes(os.urandom(4), "little")))


def pytest_report_header(config):
    import ckpt
    return [f"CKPT_SEED={os.environ['CKPT_SEED']}", f"library {ckpt.LIBRARY} {ckpt.version()}"]
