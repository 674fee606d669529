"""Mathematics of uncertainty: samples, distributions, statistics, indices, spatial totals."""
