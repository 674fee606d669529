"""Draw the picture of `docs/howto/check_before.md`: the inputs of North Macedonia, checked.

Run from the root of the repository, with the data folder in RECARB_DATA (or ../shared/data):
`python -m docs.figures.check_sheet`.
"""

import tempfile
from pathlib import Path

from PIL import Image
from tests.real import runs

from recarb.reports.check_sheet import draw_sheet
from recarb.sequestration.checks import check_run

NAME = "north_macedonia"
WIDTH, COLOURS = 1000, 96  # pixels, of a palette: less than 150 KB
TARGET = Path(__file__).resolve().parents[1] / "img" / f"check_{NAME}.png"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = runs.load(NAME, Path(folder))
        report = check_run(config, look=True)
        assert report.look is not None
        sheet, _ = draw_sheet(report.look, config)
        sheet.save(TARGET)
    with Image.open(TARGET) as image:
        small = image.resize((WIDTH, round(image.height * WIDTH / image.width)))
    small.quantize(COLOURS).save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
