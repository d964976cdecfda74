"""Settings: a TOML file, the environment and options become one frozen `Config`.

Only the server, the command line and the pytest plugin read it; everything else is handed plain
values.
"""
