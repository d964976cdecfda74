"""The command line: words, options and exit codes. `main` is where it begins."""
