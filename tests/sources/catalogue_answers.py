"""Answers in the shape STAC APIs and the boundary API give; no live server was asked for them."""

import json
from urllib.parse import parse_qs, urlsplit

from tests.sources.server import Fault


def stac_item(url, number, asset, href):
    return {
        "type": "Feature", "stac_version": "1.0.0", "stac_extensions": [],
        "id": f"C3S-LC-L4-LCCS-Map-300m-P1Y-2020-v2.1.1-N{number}",
        "collection": "esa-cci-lc", "bbox": [90, 0, 135, 45],
        "geometry": {"type": "Polygon",
                     "coordinates": [[[90, 0], [135, 0], [135, 45], [90, 45], [90, 0]]]},
        "properties": {"datetime": "2020-01-01T00:00:00Z"},
        "links": [{"rel": "self", "href": f"{url}/stac/items/{number}"}],
        "assets": {asset: {"href": href, "type": "image/tiff; application=geotiff"}},
    }  # fmt: skip


def serve_stac(server, items, *, pages=1, asset="lccs_class", body=None):
    """A landing page, a search in pages, a token service, and the tiles."""
    url = server.url
    landing = {
        "type": "Catalog", "id": "pc", "stac_version": "1.0.0", "description": "test",
        "conformsTo": ["https://api.stacspec.org/v1.0.0/core",
                       "https://api.stacspec.org/v1.0.0/item-search",
                       "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson"],
        "links": [{"rel": "self", "href": f"{url}/stac"}, {"rel": "root", "href": f"{url}/stac"},
                  {"rel": "search", "type": "application/geo+json", "href": f"{url}/stac/search",
                   "method": "GET"}],
    }  # fmt: skip
    server.put("/stac", json.dumps(landing).encode())
    for page in range(pages):
        features = []
        for number in range(page, items, pages):
            href = f"{url}/tiles/{number}.tif"
            if body is not None:
                server.put(f"/tiles/{number}.tif", body)
            features.append(stac_item(url, number, asset, href))
        links = []
        if page + 1 < pages:
            links = [{"rel": "next", "href": f"{url}/stac/page{page + 1}", "method": "GET"}]
        answer = {"type": "FeatureCollection", "features": features, "links": links}
        name = "/stac/search" if page == 0 else f"/stac/page{page}"
        server.put(name, json.dumps(answer).encode())
    token = {"token": "sig=SECRET", "msft:expiry": "2999-01-01T00:00:00Z"}
    server.put("/token", json.dumps(token).encode())


def serve_boundary(server, iso3, shapes):
    """The API's answer and the file it names."""
    named = server.put(f"/files/{iso3}.geojson", json.dumps(shapes).encode())
    answer = {
        "boundaryID": f"{iso3}-ADM0-1", "boundaryISO": iso3, "boundaryLicense": "CC BY 3.0 IGO",
        "boundarySource": "the ministry", "gjDownloadURL": named,
    }  # fmt: skip
    server.put(f"/api/{iso3}/ADM0/", json.dumps(answer).encode())


def query_of(seen):
    """The query of a request."""
    return parse_qs(urlsplit(seen.path).query)


PAGE_NOT_JSON = Fault(status=200, body=b"<html><title>Maintenance</title></html>")
