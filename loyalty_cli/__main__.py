"""Start the program: what the `loyalty` command and `python -m loyalty_cli` run."""

import gc

# Almost nothing that a start-up or a look-up makes is garbage; to look for it takes a while.
gc.set_threshold(500_000)


def main() -> None:
    """Import the rest and run it."""
    from loyalty_cli.cli import main as run

    run()


if __name__ == "__main__":
    main()
