"""`recarb practices` and `recarb gain-needed` on the command line."""

import json

import pytest
import typer
from tests.sequestration.test_gain_needed import country_with
from typer.testing import CliRunner

from recarb.cli.register import commands
from recarb.core.errors import ConfigError
from recarb.sequestration.pipeline import run
from recarb.sequestration.practices.library import library


@pytest.fixture
def recarb():
    app = typer.Typer()
    commands(app)

    def call(*words):
        result = CliRunner().invoke(app, words)
        if isinstance(result.exception, Exception):
            raise result.exception
        return result.output

    return call


def test_list_names_every_practice(recarb):
    told = recarb("practices")
    assert all(name in told for name in library())
    assert "unverified" in told


def test_json_has_every_fact(recarb):
    rows = json.loads(recarb("practices", "--json"))
    assert [row["name"] for row in rows] == list(library())
    assert all(row["source"] for row in rows)


@pytest.mark.parametrize("name", library())
def test_show_explains_each(recarb, name):
    told = recarb("practices", "show", name)
    row = library()[name]
    assert row.title in told and row.source in told and row.advice in told
    assert ("in run.toml" in told) == (row.effect != "none")


def test_show_says_where_a_name_is_wrong(recarb):
    with pytest.raises(ConfigError, match="cover-crop"):
        recarb("practices", "show", "cover")


def test_residue_of_wheat(recarb):
    told = recarb("practices", "residue", "wheat", "--yield", "4.45", "--kept", "0.5")
    assert "3.04 t C ha-1" in told and "amount_tc_ha_per_yr = 1.52" in told
    assert "whole crop" in told
    assert "whole crop" not in recarb("practices", "residue", "rice", "--yield", "4")


def test_gain_needed_of_a_finished_run(recarb, tmp_path):
    folder = run(country_with(tmp_path).config()).folder
    told = recarb("gain-needed", str(folder), "--rsr", "0.05", "--name", "Small")
    run_toml = str(tmp_path / "run.toml")
    assert recarb("gain-needed", run_toml, "--rsr", "0.05", "--name", "Small") == told
    assert "from the response of scenario SSM3" in told
    assert (folder / "targets" / "BAD_GainNeeded_Small.tif").exists()
    assert "cells" in told and "with 5 to 10 %" in told


@pytest.mark.parametrize("words", [(), ("--rsr", "0.1", "--asr", "0.1"),
                                   ("--rsr", "0.1", "--name", "4 per mille")])  # fmt: skip
def test_gain_needed_wants_one_target(recarb, tmp_path, words):
    with pytest.raises(ConfigError, match="give one of"):
        recarb("gain-needed", str(tmp_path), *words)
