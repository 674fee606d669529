import json
from dataclasses import replace

import pytest
from bench.measure import Run
from bench.report import PAGE, page_tables, print_table, write_page

from bench import results

RECORD = results.Record(
    "country",
    "country, 10",
    10,
    (Run(2.0, 1.0, 1 << 20), Run(1.0, 1.0, 3 << 20), Run(4.0, 1.0, 2 << 20)),
    ratio=2.5,
    against="io_floor",
    date="2026-01-02T03:04:05Z",
    machine={
        "processor": "P",
        "cores": 2,
        "memory_bytes": 1 << 30,
        "system": "S",
        "versions": {"python": "3"},
        "commit": "abc",
    },
)


def test_median_and_spread():
    assert RECORD.wall_s == 2.0
    assert RECORD.spread_pct() == pytest.approx(150.0)
    assert RECORD.cells_per_s == 5.0
    assert RECORD.middle("peak_memory_bytes") == 2 << 20
    assert RECORD.middle("written_bytes") is None


def test_records_are_kept_by_benchmark_and_date_and_none_is_lost(tmp_path):
    later = replace(RECORD, date="2026-01-03T00:00:00Z", ratio=2.0)
    results.append([RECORD, RECORD], tmp_path)
    results.append([later], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "country_2026-01-02.json",
        "country_2026-01-03.json",
    ]
    assert results.history(tmp_path) == [RECORD, RECORD, later]
    assert results.latest(results.history(tmp_path)) == [later]


def test_the_page_says_what_the_results_say():
    text = PAGE.read_text(encoding="utf-8")
    for name, table in page_tables(results.history()).items():
        assert f"<!-- table: {name} -->\n{table}\n<!-- end -->" in text, (
            f"the table {name} is not that of bench/results; run: python -m bench --docs"
        )


def test_a_changed_result_changes_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.report.IMAGES", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    write_page([RECORD], page)
    first = page.read_text(encoding="utf-8")
    assert "| country | country, 10 | 10 | 2 | 150 (3) |" in first
    write_page([replace(RECORD, ratio=99.0)], page)
    assert page.read_text(encoding="utf-8") == first.replace("| 2.5 |", "| 99 |")
    assert (tmp_path / "history.png").stat().st_size > 0


def test_a_page_without_a_place_for_a_table_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(KeyError, match="places"):
        write_page([RECORD], page)


def test_the_table_is_printed(capsys):
    print_table([RECORD])
    assert "country, 10" in capsys.readouterr().out


def test_kept_results_name_no_place_of_the_machine():
    for path in results.RESULTS.glob("*.json"):
        content = path.read_text(encoding="utf-8")
        assert json.loads(content)["records"]
        assert "/home" not in content and "/tmp" not in content and "/work" not in content
