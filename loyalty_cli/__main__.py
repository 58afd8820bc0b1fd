"""Start the program: what the `loyalty` command and `python -m loyalty_cli` run."""

import gc
import os
import sys

# A start-up and a look-up make almost no garbage; searching for garbage takes a while.
gc.set_threshold(500_000)


def main() -> None:
    """Import the rest and run it."""
    try:
        from loyalty_cli.cli import main as run

        run()
    except KeyboardInterrupt:  # before the program could begin, or once more while it ended
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        from loyalty_cli.output import messages, stderr

        stderr.set_format(sys.argv[1:])
        messages.interrupted()
        os._exit(130)


# CPython keeps frames in chunks of 16 KiB. When a chunk is full, each call gets a new one from the
# system and gives it back, which made imports 20 ms longer. A frame that needs a large chunk leaves
# room in it for the frames of all that it calls.
main.__code__ = main.__code__.replace(co_stacksize=16_384)


if __name__ == "__main__":
    main()
