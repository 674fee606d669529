"""A whole run on inputs in a bucket gives the maps of the local files, byte by byte."""

import json
import logging
import tomllib

import pytest
from tests.remote_store import BUCKET, environment, s3  # noqa: F401 - fixtures

from recarb.core.config import load_config
from recarb.core.errors import InputError
from recarb.sequestration import pipeline
from recarb.sequestration.checks import check_run
from recarb.sequestration.example import write_example

pytestmark = pytest.mark.s3
SECRET = "geheim-secret"  # AWS_SECRET_ACCESS_KEY of the tests


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("remote") / "tinyland")


def in_the_bucket(s3, country, output):  # noqa: F811
    """The example country in a bucket, its run.toml too, with a local output."""
    s3.put_folder(country.parent, "tinyland")
    text = country.read_text(encoding="utf-8")
    assert text.count('output = "out"') == 1
    text = text.replace('output = "out"', f"output = {json.dumps(output.as_posix())}")
    return s3.put("tinyland/run.toml", text.encode())


def test_the_same_maps_from_a_bucket(s3, country, tmp_path, caplog):  # noqa: F811
    caplog.set_level(logging.DEBUG, logger="recarb")
    url = in_the_bucket(s3, country, tmp_path / "remote")
    here = pipeline.run(load_config(country).model_copy(update={"output": tmp_path / "local"}))
    there = pipeline.run(load_config(url))
    names = sorted(path.relative_to(here.folder) for path in here.folder.rglob("*.tif"))
    assert len(names) > 29
    for name in names:
        assert (there.folder / name).read_bytes() == (here.folder / name).read_bytes(), name
    local, remote = (
        json.loads((report.folder / "provenance.json").read_text()) for report in (here, there)
    )
    for key in ("inputs", "inputs_sha256", "config_sha256", "cells", "counts"):
        assert remote[key] == local[key]
    soc = tomllib.loads(country.read_text(encoding="utf-8"))["inputs"]["soc"]["path"]
    assert remote["config"]["inputs"]["soc"]["path"] == f"s3://{BUCKET}/tinyland/{soc}"
    written = [p.read_bytes() for p in there.folder.rglob("*") if p.suffix != ".tif" if p.is_file()]
    assert not any(SECRET.encode() in content for content in written)
    assert SECRET not in caplog.text


def test_a_check_lists_every_missing_object(s3, country, tmp_path):  # noqa: F811
    config = load_config(in_the_bucket(s3, country, tmp_path / "out"))
    lost = [config.inputs.clay.path, config.inputs.land_use.path]
    for path in lost:
        s3.client().delete_object(Bucket=BUCKET, Key=path.path.partition("/")[2])
    found = [finding.message for finding in check_run(config).findings]
    for path in lost:
        assert any(f"no such file: {path}" in message for message in found), found


def test_a_bucket_that_is_gone_stops_the_run(s3, country, tmp_path):  # noqa: F811
    text = country.read_text(encoding="utf-8").replace('path = "', 'path = "s3://nobody/')
    assert "s3://nobody/" in text
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"no such file: s3://nobody/"):
        pipeline.run(load_config(path))
    assert [p.name for p in tmp_path.iterdir()] == ["run.toml"]
