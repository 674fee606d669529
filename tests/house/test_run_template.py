"""The template of `recarb init` is true: every key of the configuration, and nothing else."""

import re
import tomllib
from types import UnionType
from typing import Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from recarb.core.config import Choices, Layer, RunConfig, load_config
from recarb.core.errors import ConfigError, OutputError
from recarb.core.template import run_template, write_template
from recarb.harmonise.landuse_classes import modelled_lookup

COMMENTED_KEY = re.compile(r"^#(?=[a-z\[])", flags=re.MULTILINE)


def uncommented():
    """The template with every optional key in use, one of two keys that exclude each other."""
    text = COMMENTED_KEY.sub("", run_template("URY"))
    return tomllib.loads(text)


def models_in(annotation):
    """Configuration tables named anywhere in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    if get_origin(annotation) in {Union, UnionType} or get_args(annotation):
        return set().union(*(models_in(part) for part in get_args(annotation)))
    return set()


def all_models(model=RunConfig, found=None):
    found = set() if found is None else found
    if model not in found:
        found.add(model)
        for field in model.model_fields.values():
            for inner in models_in(field.annotation):
                all_models(inner, found)
    return found


FIELDS = sorted({(m.__name__, f) for m in all_models() for f in m.model_fields})


def test_the_walk_finds_nested_tables():
    assert {"Override", "WarmUp", "Scenario", "Climate"} <= {m.__name__ for m in all_models()}


@pytest.mark.parametrize(("model", "field"), FIELDS)
def test_every_key_is_explained(model, field):
    # as a key, as a table, or in the list of keys that every layer has
    written = rf"(?m)(^#?\s*|[{{,]\s*|^#   )\[*(inputs\.|model\.)?{field}(\]|\.| +=|   )"
    assert re.search(written, run_template("URY")), f"{model}.{field} is not in run_template.toml"


def test_parses_as_it_is(tmp_path):
    config = load_config(write_template("ury", tmp_path / "uruguay"))
    assert config.iso3 == "URY"
    assert config.inputs.soc.path == tmp_path / "uruguay" / "data" / "soc.tif"
    assert config.warm_up.years == (2001, 2020)
    assert [s.gain_pct for s in config.scenarios] == [5.0, 10.0, 20.0]


def test_every_optional_key_is_accepted(tmp_path):
    config = RunConfig.model_validate(uncommented(), context={"folder": tmp_path})
    assert config.climate["normals"].pet_method == "fao56"
    assert config.inputs.land_use.override[0].land_use == 13
    assert config.scenarios[0].gain_pct_by_zone == {1: 3.0}


def defaults_shown():
    """Table, key and value of every default that the template claims."""
    table = uncommented()
    parts = {"": table} | {
        name: table[name]
        for name in ("forward", "model", "uncertainty", "ensemble", "flags", "suspicion")
    }
    for name, shown in parts.items():
        model = models_in(RunConfig.model_fields[name].annotation).pop() if name else RunConfig
        for key, field in model.model_fields.items():
            if isinstance(field.default, str | float | int | bool) and field.default != "":
                yield pytest.param(shown.get(key), field.default, id=f"{name}.{key}")


@pytest.mark.parametrize(("shown", "default"), list(defaults_shown()))
def test_the_values_shown_are_the_defaults(shown, default):
    assert shown == default


def test_modelled_land_use_shown_is_the_default():
    shown = uncommented()["model"]["modelled_land_use"]
    assert [code for code, modelled in enumerate(modelled_lookup()) if modelled] == shown
    assert Choices().modelled_land_use is None


def test_layer_keys_are_listed():
    listed = re.findall(r"(?m)^#   (\w+)  ", run_template("URY"))
    assert set(listed) == set(Layer.model_fields)


def test_refuses_what_is_no_country():
    with pytest.raises(ConfigError, match="three letters"):
        run_template("Uruguay")


def test_keeps_a_file_that_exists(tmp_path):
    write_template("URY", tmp_path)
    (tmp_path / "run.toml").write_text("mine")
    with pytest.raises(ConfigError, match="--overwrite"):
        write_template("URY", tmp_path)
    assert (tmp_path / "run.toml").read_text() == "mine"
    write_template("URY", tmp_path, overwrite=True)
    assert (tmp_path / "run.toml").read_text() == run_template("URY")


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_template("URY", tmp_path / "file" / "below")
