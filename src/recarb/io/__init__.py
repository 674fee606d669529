"""Files: rasters, tables, boundaries."""
