"""A small country on our own server, in the formats the real servers give.

SOC is a GeoTIFF of 30 arc-seconds; clay lies in Goode's projection, in g/kg, in three depths; the
climate is NetCDF, packed with scale and offset; land cover comes in tiles of 300 m.
"""

import json
import re
from importlib.resources import files

import netCDF4
import numpy as np
import shapely
from rasterio.warp import transform_bounds
from shapely.geometry import mapping
from tests.sources import samples
from tests.sources.catalogue_answers import stac_item

from recarb.sources.base import Box

BOX = Box(102.0, 13.0, 102.6, 13.5)
GOODE = "ESRI:54052"
SINUSOIDAL = "+proj=sinu +lon_0=0 +R=6371007.181 +units=m"
SOC = "/fao-maps-catalog-data/geonetwork/gsoc/GSOCmap/GSOCmap1.6.1.tif"
SOILGRIDS = "/soilgrids/latest/data_aggregated/1000m/{}/{}_1000.tif"
CLIMATE = "/thredds/ncss/grid/agg_terraclimate_{}_1950_CurrentYear_GLOBE.nc"
STAC = "/api/stac/v1"
DEPTHS_G_KG = {"0-5cm": 200, "5-15cm": 230, "15-30cm": 260}
CLAY_PCT = (5 * 20.0 + 10 * 23.0 + 15 * 26.0) / 30
PACKED = {"tmax": (0.01, -99.0), "tmin": (0.01, -99.0), "ppt": (0.1, 0.0), "pet": (0.1, 0.0)}
YEARS = range(1999, 2003)
COUNTRY = (f"--box={','.join(map(str, BOX))}", "--years=climate=1999-2002")


def registry_of(server, folder):
    """The entries that ship, all leading to our server."""
    folder.mkdir()
    for item in (files("recarb.sources") / "registry").iterdir():
        text = re.sub(r'https?://[^/"]+', server.url, item.read_text(encoding="utf-8"))
        (folder / item.name).write_text(text, encoding="utf-8")
    return folder


def serve_country(server, iso3, folder, box=BOX):
    """Put every file of the default sources on the server."""
    server.put(SOC, soc_map(box))
    for depth, value in DEPTHS_G_KG.items():
        server.put(SOILGRIDS.format("clay", f"clay_{depth}_mean"), clay_map(box, value))
    serve_land_cover(server, box)
    serve_boundary(server, iso3, box)
    server.climate = climate_files(folder, YEARS, box)
    serve_climate(server, lambda _, name, year: server.climate[name, year])


def climate_files(folder, years, box, **how):
    """Bodies by name and year. Made before anything is served: HDF5 is not for threads."""
    made = folder / "made.nc"
    return {(name, year): climate_file(made, name, [year], box, **how)
            for name in PACKED for year in years}  # fmt: skip


def serve_climate(server, body_of):
    """The subset service answers `body_of(west, name, year)` as asked for, or as before if none."""
    plain = server.file

    def by_question(request, path):
        found = re.search(r"agg_terraclimate_(\w+)_1950", path)
        if found:
            year = int(re.search(r"time_start=(\d{4})", request.path)[1])
            west = float(re.search(r"west=(-?[\d.]+)", request.path)[1])
            body = body_of(west, found[1], year)
            if body is not None:
                return server.part(request, body, f'"{year} {len(body)}"')
        return plain(request, path)

    server.file = by_question
    for name in PACKED:
        server.files.setdefault(CLIMATE.format(name), b"")  # there is such a place


def soc_map(box, cell=1 / 120):
    """Stocks of 30 to 70 t/ha, sea in one corner."""
    west, north = round((box.west - 0.2) / cell) * cell, round((box.north + 0.2) / cell) * cell
    shape = (round((north - box.south + 0.2) / cell), round((box.east + 0.2 - west) / cell))
    row, column = np.mgrid[: shape[0], : shape[1]]
    values = (50 + 20 * np.sin(row / 9) * np.cos(column / 7)).astype(np.float32)
    values[:30, :30] = -3.4e38
    return samples.geotiff(values, west=west, north=north, cell=cell, nodata=-3.4e38)


def clay_map(box, value):
    """One number in Goode's projection."""
    around = (box.west - 0.3, box.south - 0.3, box.east + 0.3, box.north + 0.3)
    west, south, east, north = transform_bounds("EPSG:4326", GOODE, *around)
    shape = (int((north - south) / 1000) + 1, int((east - west) / 1000) + 1)
    values = np.full(shape, value, np.int16)
    return samples.geotiff(values, crs=GOODE, west=west, north=north, cell=1000.0)


def serve_quantiles(server, low=0.8, high=1.2, box=BOX):
    """The 5 % and 95 % quantiles of stock and clay; those of clay are twice as far apart."""
    for name, share in (("Q0.05", low), ("Q0.95", high)):
        ocs = SOILGRIDS.format("ocs", f"ocs_0-30cm_{name}")
        server.put(ocs, clay_map(box, round(50 * share)))
        for depth, value in DEPTHS_G_KG.items():
            quantile = round(value * max(1.0 + 2.0 * (share - 1.0), 0.0))
            server.put(SOILGRIDS.format("clay", f"clay_{depth}_{name}"), clay_map(box, quantile))


def climate_file(path, name, years, box, cell=1 / 24, fmt="NETCDF4", warmer=0.0, sea=False):
    """Monthly means as TerraClimate packs them, one degree beyond the box; `sea`: no value."""
    scale, offset = PACKED[name]
    west, north = np.floor(box.west - 1), np.ceil(box.north + 1)
    lat = north - (np.arange(round((north - box.south + 1) / cell)) + 0.5) * cell
    lon = west + (np.arange(round((box.east + 1 - west) / cell)) + 0.5) * cell
    season = np.cos(2 * np.pi * (np.arange(12) - 6) / 12)
    level = {"tmax": 31 + 3 * season, "tmin": 21 + 3 * season, "ppt": 110 + 80 * season,
             "pet": 120 + 20 * season}[name]  # fmt: skip
    with netCDF4.Dataset(path, "w", format=fmt) as data:
        data.createDimension("time", 12 * len(years))
        for key, values in (("lat", lat), ("lon", lon)):
            data.createDimension(key, values.size)
            data.createVariable(key, "f8", (key,))[:] = values
        data["lat"].units, data["lon"].units = "degrees_north", "degrees_east"
        data["lat"].standard_name, data["lon"].standard_name = "latitude", "longitude"
        time = data.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "days since 1900-01-01", "standard"
        months = np.concatenate([np.arange(f"{y}-01", f"{y + 1}-01", dtype="M8[M]") for y in years])
        time[:] = (months.astype("M8[D]") - np.datetime64("1900-01-01")).astype(float)
        layer = data.createVariable(name, "i4", ("time", "lat", "lon"), fill_value=-2147483648)
        layer.scale_factor, layer.add_offset = scale, offset
        anomaly = np.repeat([0.5 * (year % 3) for year in years], 12)
        values = np.tile(level, len(years)) + anomaly
        values = values + warmer if name in ("tmax", "tmin") else values
        filled = np.ma.array(
            np.broadcast_to(values[:, None, None], (*values.shape, lat.size, lon.size)).copy()
        )
        filled[:, :14, :12] = np.ma.masked  # sea
        if sea:
            filled[:] = np.ma.masked  # not `masked_all`: its garbage is cast, with a warning
        layer[:] = filled
    return path.read_bytes()


def serve_land_cover(server, box, years=(2000, 2020)):
    """Two tiles a year: cropland in the west, grassland in the east, more cropland in 2020."""
    cell, middle = 1 / 360, round((box.west + box.east) / 2 * 360) / 360
    found = {}
    for year in years:
        crop_until = middle + (37 / 360 if year == years[-1] else 0.0)
        found[year] = []
        for number, (west, east) in enumerate(((box.west - 0.3, middle), (middle, box.east + 0.3))):
            first = round(west * 360)
            north = round((box.north + 0.3) * 360) / 360
            shape = (round((north - box.south + 0.3) / cell), round(east * 360) - first)
            lon = (first + np.arange(shape[1]) + 0.5) / 360
            codes = np.where(lon < crop_until, 10, 130).astype(np.uint8)
            body = samples.geotiff(np.tile(codes, (shape[0], 1)), west=first / 360, north=north,
                                   cell=cell, nodata=None)  # fmt: skip
            href = server.put(f"/tiles/{year}-{number}.tif", body)
            item = stac_item(server.url, number, "lccs_class", href)
            item["bbox"] = [west, box.south - 0.3, east, box.north + 0.3]
            item["id"] = f"C3S-LC-L4-LCCS-Map-300m-P1Y-{year}-v2.1.1-T{number}"
            found[year].append(item)
    serve_search(server, found)


def serve_ndvi(server, days, box=BOX):
    """An image of one tile for each day (2015001) and its NDVI; -3000: dark, fill alone."""
    around = (box.west - 0.3, box.south - 0.3, box.east + 0.3, box.north + 0.3)
    west, south, east, north = transform_bounds("EPSG:4326", SINUSOIDAL, *around)
    shape = (int((north - south) / 463.3127) + 1, int((east - west) / 463.3127) + 1)
    found = {}
    for day, ndvi in days.items():
        item = stac_item(server.url, day, "none", "")
        item["id"] = f"MOD13A1.A{day}.h27v07.061.2021"
        item["assets"] = {}
        for name, value, fill, kind in (("NDVI", ndvi, -3000, np.int16),
                                        ("pixel_reliability", 0, 255, np.uint8)):  # fmt: skip
            values = np.full(shape, fill if ndvi == -3000 else value, kind)
            body = samples.geotiff(values, crs=SINUSOIDAL, west=west, north=north, cell=463.3127,
                                   nodata=fill)  # fmt: skip
            href = server.put(f"/ndvi/{day}_{name}.tif", body)
            item["assets"][f"500m_16_days_{name}"] = {"href": href}
        found.setdefault(int(str(day)[:4]), []).append(item)
    serve_search(server, found, "modis-13A1-061")


def serve_search(server, found, collection="esa-cci-lc"):
    """A STAC API that looks at the collection and the year of the question."""
    landing = {
        "type": "Catalog", "id": "pc", "stac_version": "1.0.0", "description": "test",
        "conformsTo": ["https://api.stacspec.org/v1.0.0/core",
                       "https://api.stacspec.org/v1.0.0/item-search"],
        "links": [{"rel": "search", "type": "application/geo+json",
                   "href": server.url + STAC + "/search", "method": "GET"}],
    }  # fmt: skip
    server.put(STAC, json.dumps(landing).encode())
    server.put(STAC + "/search", b"{}")
    server.put(f"/api/sas/v1/token/{collection}",
               b'{"token": "sig=1", "msft:expiry": "2999-01-01T00:00:00Z"}')  # fmt: skip
    plain = server.file

    def by_year(request, path):
        if path == STAC + "/search" and f"collections={collection}" in request.path:
            year = int(re.search(r"datetime=(\d{4})", request.path)[1])
            answer = {"type": "FeatureCollection", "features": found.get(year, []), "links": []}
            return 200, {}, json.dumps(answer).encode()
        return plain(request, path)

    server.file = by_year


def serve_boundary(server, iso3, box, level="ADM0", names=("Smallland",)):
    """Units of one size, from west to east."""
    width = (box.east - box.west) / len(names)
    shapes = {"type": "FeatureCollection", "features": [{
        "type": "Feature", "properties": {"shapeName": name, "shapeGroup": iso3},
        "geometry": mapping(shapely.box(box.west + width * number, box.south,
                                        box.west + width * (number + 1), box.north))}
        for number, name in enumerate(names)]}  # fmt: skip
    named = server.put(f"/files/{iso3}_{level}.geojson", json.dumps(shapes).encode())
    answer = {"boundaryID": f"{iso3}-{level}-1", "boundaryISO": iso3, "gjDownloadURL": named,
              "boundaryLicense": "CC BY 3.0 IGO"}  # fmt: skip
    server.put(f"/api/current/gbOpen/{iso3}/{level}/", json.dumps(answer).encode())
