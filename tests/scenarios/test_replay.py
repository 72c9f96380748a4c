"""1 000 fresh random scenarios, and one for each quirk of TensorFlow's that the library does not have."""
import os

import pytest

import compare
import directed
import quirks
import replay
import tensorflow_world

SEED = int(os.environ.get("CKPT_SEED") or int.from_bytes(os.urandom(4), "little"))
COUNT = 1000


def test_random_scenarios_come_to_the_same():
    findings = []
    count, met = replay.replay_many(range(SEED, SEED + COUNT), os.cpu_count(), say=findings.append)
    print(f"CKPT_SEED={SEED}, quirks met: {dict(met.most_common())}")
    assert not count, "\n".join([*findings, f"replay.py --count {COUNT} --seed {SEED}"])


def test_every_quirk_has_a_scenario():
    assert set(directed.SCENARIOS) == set(quirks.QUIRKS)


@pytest.mark.parametrize("quirk", quirks.QUIRKS)
def test_tensorflow_has_the_quirk_and_the_library_does_as_said(quirk, tmp_path):
    scenario = directed.scenario(quirk)
    plain, plain_files = tensorflow_world.run(scenario, tmp_path / "plain")
    mended, mended_files, met = replay.run_mended(scenario, tmp_path / "mended")
    assert quirk in met
    assert replay.without_paths(plain) != replay.without_paths(mended) or compare.files(plain_files, mended_files), "no quirk any more"
    lines, _ = replay.difference(scenario, tmp_path / "both")
    assert not lines, "\n".join(lines)


def test_a_difference_is_found_and_made_small(tmp_path, monkeypatch):
    """The driver itself: a library that forgets every second assignment."""
    import library_world
    assign, turns = library_world.World.assign, []

    def forgets(self, node, value):
        turns.append(node)
        if len(turns) % 2:
            assign(self, node, value)
    monkeypatch.setattr(library_world.World, "assign", forgets)
    scenario = {"seed": "", "features": [], "programs": [[
        *[op for i in range(1, 9) for op in (directed.variable(i, i), directed.new("object", 10 + i))],
        *[{"op": "assign", "node": 2, "value": directed.variable(2, n)["value"]} for n in (-1, -2)], directed.checkpoint(), directed.write()]]}

    def differs(candidate):
        turns.clear()
        return bool(replay.difference(candidate, tmp_path / "x")[0])
    assert differs(scenario)
    small = replay.smaller(scenario, differs)
    assert [op["op"] for op in small["programs"][0]] == ["variable", "assign", "assign"]
