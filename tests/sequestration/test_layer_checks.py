"""What is wrong with one layer."""

import numpy as np
import pytest
from tests import factories

from recarb.sequestration.layer_checks import overlap_findings


@pytest.mark.parametrize(("left", "codes"), [(330.0, []), (-30.0, []), (30.0, ["no_overlap"])])
def test_a_layer_that_counts_from_0_to_360_overlaps_a_western_country(tmp_path, left, codes):
    """Whether longitudes are written from -180 or from 0, ground is the same ground."""
    country = factories.geobox(-30.0, 41.0, 1.0, (2, 3))
    box = factories.geobox(left, 41.0, 1.0, (2, 3))
    layer = factories.layer_file(tmp_path / "soc.tif", np.full((2, 3), 40.0), box)
    assert [finding.code for finding in overlap_findings(layer, country, "soc")] == codes
