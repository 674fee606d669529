"""The page of a check: whole without a line, readable with eyes and without, on a phone too."""

import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from tests.bad_country import Country

from recarb.reports.check_page import write_check_page
from recarb.reports.check_sheet import classes_of
from recarb.reports.style import CLASS_COLOURS
from recarb.sequestration.checks import check_run
from recarb.sequestration.estimate import estimate
from recarb.sequestration.look import SmallMap

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
VOID = {"meta", "img", "br", "rect"}


class Page(HTMLParser):
    """Elements of a page with their attributes; complains about tags that are not closed."""

    def __init__(self, text):
        super().__init__()
        self.found, self._open = [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def seen_in(image):
    """Every colour of an image, and how often it is there."""
    return image.convert("RGB").getcolors(maxcolors=image.width * image.height)


def checked(country, folder):
    config = country.config()
    report = check_run(config, look=True)
    return write_check_page(folder / "page.html", report, config, estimate(report, config))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Half the clay is missing; the name wants to be careful."""
    folder = tmp_path_factory.mktemp("page")
    country = Country(folder / "country")
    country.table["name"] = "Land of <script>alert(1)</script> & more"
    clay = country.layers["clay"]
    clay.nodata, clay.values[:, :, 6:] = -1.0, -1.0
    country.layers["rain"].values /= 30.0
    return checked(country, folder)


def test_nothing_comes_from_elsewhere(page):
    text = page.read_text(encoding="utf-8")
    found = Page(text)
    assert not found.all("script")
    assert not found.all("link")
    assert all(image["src"].startswith("data:image/png;base64,") for image in found.all("img"))
    assert not re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!data:|#)[^\"'\s>]+", text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text


def test_it_can_be_read_without_eyes(page):
    found = Page(page.read_text(encoding="utf-8"))
    assert found.all("html")[0]["lang"] == "en"
    assert found.all("meta")[1]["content"].startswith("width=device-width")
    assert len(found.all("title")) > 1  # of the page, and of bars
    headings = [tag for tag, _ in found.found if re.fullmatch(r"h\d", tag)]
    assert headings[:3] == ["h1", "h2", "h2"]
    alts = [image["alt"] for image in found.all("img")]
    assert len(alts) == 6
    assert any(re.match(r"Map of clay content.*covers 50 % of the country\.$", alt) for alt in alts)
    assert all(drawn["role"] == "img" and drawn["aria-label"] for drawn in found.all("svg"))
    assert all("scope" in cell for cell in found.all("th"))
    assert found.all("caption") is not None


def test_it_tells_what_the_check_found(page):
    text = page.read_text(encoding="utf-8")
    assert "finding(s) stop the run" in text
    assert "dry_country" in text
    assert "is the file in mm/day?" in text
    assert text.index("dry_country") < text.index("repeated_year")  # the gravest first
    assert "Cropland: 50.0 %" in text
    assert "Estimate of the run" not in text or "no promise" in text


def test_a_country_without_faults_is_ready(tmp_path):
    text = checked(Country(tmp_path / "country"), tmp_path).read_text(encoding="utf-8")
    assert "Ready to run." in text
    assert "ESTIMATE" not in text
    assert "Estimate of the run: about 120 cells" in text


def test_the_sheet_beside_it_shows_every_layer(page):
    with Image.open(page.with_suffix(".png")) as image:
        colours = {f"#{r:02x}{g:02x}{b:02x}" for _, (r, g, b) in seen_in(image)}
    assert {CLASS_COLOURS[2], CLASS_COLOURS[3]} <= colours
    assert "#e31a1c" in colours  # clay that is missing in the country


def test_the_same_inputs_give_the_same_page(tmp_path):
    pages = [checked(Country(tmp_path / "country"), tmp_path / name) for name in "ab"]
    a, b = (re.sub(r"Estimate[^<]*", "", one.read_text(encoding="utf-8")) for one in pages)
    assert a == b


def test_classes_come_with_the_largest_first():
    values = np.array([[3.0, 3.0, 3.0, 2.0, np.nan]])
    found = classes_of(SmallMap("land_use", "land use", "", values, True))
    assert list(found.items()) == [
        ("Grassland", (CLASS_COLOURS[3], 75.0)), ("Cropland", (CLASS_COLOURS[2], 25.0)),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------ in a browser


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no browser on this machine: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def opened(request, browser, page):
    """The page from the disk; whatever it asks of a network, or complains of, is kept."""
    tab = browser.new_page(viewport=request.param)
    tab.asked, tab.said = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("console", lambda message: tab.said.append(message.text))
    tab.goto(page.as_uri())
    yield tab
    tab.close()


def test_a_browser_shows_all_of_it_from_the_disk(opened, page):
    elsewhere = [url for url in opened.asked if not url.startswith(("data:", page.as_uri()))]
    assert elsewhere == []
    assert opened.said == []
    widths = opened.eval_on_selector_all("img", "all => all.map(one => one.naturalWidth)")
    assert len(widths) == 6
    assert all(widths)


def test_nothing_is_wider_than_the_screen(opened):
    width, inner = opened.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= inner  # the table scrolls by itself


def test_no_rule_of_accessibility_is_broken(opened):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    results = axe.Axe().run(opened)
    assert results.violations_count == 0, results.generate_report()
