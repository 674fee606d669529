"""From native data to the grid of the SOC map."""
