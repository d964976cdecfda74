"""The pytest plugin: `hooks` is what pytest loads; nothing heavy is imported before it is used."""
