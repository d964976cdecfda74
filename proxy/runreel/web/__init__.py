"""The edge to the network, and the only place that knows aiohttp."""
