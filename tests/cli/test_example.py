"""`recarb example` and `recarb init` on the command line."""

import pytest
import typer
from typer.testing import CliRunner

from recarb.cli.register import commands
from recarb.core.config import load_config
from recarb.core.errors import ConfigError


@pytest.fixture
def recarb():
    app = typer.Typer()
    commands(app)

    def call(*words):
        result = CliRunner().invoke(app, words)
        if isinstance(result.exception, Exception):
            raise result.exception
        return result

    return call


def test_init_writes_into_the_current_folder(recarb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = recarb("init", "ury")
    assert load_config(tmp_path / "run.toml").iso3 == "URY"
    assert "recarb check run.toml" in told.output


def test_init_keeps_what_is_there(recarb, tmp_path):
    recarb("init", "URY", str(tmp_path / "country"))
    with pytest.raises(ConfigError, match="--overwrite"):
        recarb("init", "NOR", str(tmp_path / "country"))
    recarb("init", "NOR", str(tmp_path / "country"), "--overwrite")
    assert load_config(tmp_path / "country" / "run.toml").iso3 == "NOR"


def test_example_says_what_comes_next(recarb, tmp_path):
    told = recarb("example", str(tmp_path / "tinyland")).output
    assert "SYNTHETIC" in told
    assert f"recarb check {tmp_path / 'tinyland' / 'run.toml'}" in told.replace("\n", "")
    with pytest.raises(ConfigError, match="not empty"):
        recarb("example", str(tmp_path / "tinyland"))
    assert recarb("example", str(tmp_path / "tinyland"), "--overwrite").exit_code == 0
