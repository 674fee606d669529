"""Public data: the registry, the cache, and fetching that cannot lie."""
