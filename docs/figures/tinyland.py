"""Draw docs/img/tinyland.png, the picture of the README: the example country, run as it ships."""

import shutil
import tempfile
from pathlib import Path

import recarb
from recarb.reports.figures import draw_maps
from recarb.sequestration.example import write_example

TARGET = Path(__file__).parents[1] / "img" / "tinyland.png"


def main() -> None:
    """Write the example, run it, and keep its overview."""
    with tempfile.TemporaryDirectory() as folder:
        country = Path(folder) / "tinyland"
        write_example(country)
        config = recarb.load_config(country / "run.toml")
        report = recarb.run(config)
        pictures = draw_maps(report.folder, config)
        shutil.copyfile(pictures / "overview.png", TARGET)


if __name__ == "__main__":
    main()
