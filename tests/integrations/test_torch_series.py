"""A curve per step stays short and keeps its extremes."""

from __future__ import annotations

import math

from autotrack_torch.series import Series


def test_extremes_stay():
    """Of a million points a few thousand are kept, among them every spike, and the last group at the end."""
    kept = []
    series = Series(lambda points: kept.extend((step, value) for step, value, _ in points))
    spikes = {3: 9.0, 5_000: 50.0, 77_777: -3.0, 999_999: 7.0}
    for step in range(1_000_000):
        series.add([(step, spikes.get(step, 1.0), 0)])
    series.flush()
    assert len(kept) < 4_000
    assert [step for step, _ in kept] == sorted({step for step, _ in kept})
    assert {step: value for step, value in kept if value != 1.0} == spikes
    assert [step for step, _ in kept[:1000]] == list(range(1000))


def test_what_is_no_number_stays():
    """The first NaN of a group is kept beside its extremes."""
    kept = []
    series = Series(lambda points: kept.extend((step, value) for step, value, _ in points))
    for step in range(5_000):
        series.add([(step, math.nan if step == 4_321 else float(step), 0)])
    series.flush()
    assert [step for step, value in kept if math.isnan(value)] == [4_321]
    assert kept[-1] == (4_999, 4_999.0)
