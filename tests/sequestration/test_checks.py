"""What a check tells while it goes on."""

from tests.bad_country import Country

from recarb.sequestration.checks import check_run


def test_progress_counts_every_layer(tmp_path):
    seen: list[tuple[int, int, str]] = []
    report = check_run(Country(tmp_path).config(), lambda *step: seen.append(step))
    layers = len(report.layers)
    assert layers > 3
    assert [(done, total) for done, total, _ in seen] == [(n, layers) for n in range(layers)]
    assert {what for _, _, what in seen} == {"checking the inputs"}
