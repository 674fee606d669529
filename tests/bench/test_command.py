import pytest
from bench.measure import Run
from bench.report import PAGE
from bench.results import Record
from typer.testing import CliRunner

from bench import __main__ as command


@pytest.fixture
def run(monkeypatch):
    """Run `python -m bench` with a benchmark that takes no time."""
    import typer

    app = typer.Typer()
    app.command()(command.main)
    asked = []

    class Quick:
        @staticmethod
        def measured(ask):
            asked.append(ask)
            return [Record("quick", "quick, 5", 5, (Run(1.0),))]

    monkeypatch.setattr(command, "import_module", lambda _: Quick)
    return lambda *words: (CliRunner().invoke(app, words), asked)


def test_sizes_and_repeats_reach_the_benchmark(run):
    result, asked = run("country", "--cells", "2000", "--cells", "5000", "--no-keep", "--repeats=1")
    assert result.exit_code == 0, result.output
    assert "quick, 5" in result.output
    assert (asked[0].sizes((1,), (2,)), asked[0].repeats) == ((2000, 5000), 1)


def test_an_unknown_name_is_refused(run):
    result, _ = run("lunch")
    assert result.exit_code == 2
    assert "lunch" in result.output


def test_every_name_is_documented():
    text = PAGE.read_text(encoding="utf-8")
    for name in command.MODULES:
        assert f"- **{name}**: " in text, name
