"""The `runreel` command, also as `python -m runreel`: Ctrl-C ends it without a word of Python."""

import signal


def main() -> None:
    """Run the command line. Where Ctrl-C is not ignored, it ends the process at once for as long as
    there is nothing to tidy up: while the command is imported, and when it is over.
    """
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from runreel.cli.main import main as run  # noqa: PLC0415 - see above

    if heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    finally:
        if heard:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
