"""Where files are missing, the check says what comes next."""

from tests.bad_country import Country

from recarb.sequestration.next_steps import missing_files, next_steps


def test_nothing_to_do_where_all_is_there(tmp_path):
    assert next_steps(Country(tmp_path).config(), "run.toml") == []


def test_public_data_serve_some_layers_and_the_country_the_others(tmp_path):
    country = Country(tmp_path)
    country.option("land_use", options={"130": 5})
    country.add("zones", country.layers["soc"].values.round())
    country.add("cover", country.layers["soc"].values)
    country.spoiled |= dict.fromkeys(("zones", "cover", "rain", "soc"))
    config = country.config()
    assert set(missing_files(config)) == {
        "inputs.soc", "inputs.cover", "inputs.zones", "climate.series.rain",
    }  # fmt: skip
    text = "\n".join(next_steps(config, "here/run.toml"))
    assert "4 of 8 files that here/run.toml names are not there" in text
    assert f"climate.series.rain: {tmp_path / 'rain.tif'}" in text
    assert "recarb fetch BAD --with ndvi && recarb prepare BAD" in text
    assert "climate, cover, soc" in text
    assert "zones: only a file of yours" in text
    assert text.endswith("recarb check here/run.toml")


def test_a_pattern_counts_as_its_files(tmp_path):
    country = Country(tmp_path)
    country.option("rain", path="rai?.tif")
    assert missing_files(country.config()) == {}
