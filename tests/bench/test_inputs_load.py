"""All cells of the country are loaded, and interpolation is a part of that."""

from bench.asked import Asked

from bench import inputs_load

CELLS = 1_000


def test_the_interpolation_is_a_part_of_the_whole(tmp_path):
    whole, part = inputs_load.measured(Asked(tmp_path, cells=(CELLS,), repeats=1))
    assert whole.cells == part.cells
    assert 0.75 * CELLS < whole.cells < 1.25 * CELLS
    assert 0.0 < part.wall_s < whole.wall_s
    assert part.ratio == part.wall_s / whole.wall_s
