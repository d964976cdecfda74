"""`python -m runreel` is the `runreel` command."""

from runreel.cli.main import main

if __name__ == "__main__":
    main()
