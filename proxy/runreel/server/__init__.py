"""The edge to the network, which alone knows aiohttp, and where all parts are put together."""
