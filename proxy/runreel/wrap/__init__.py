"""A command that runs behind a proxy of its own: `runreel replay -- COMMAND`."""
