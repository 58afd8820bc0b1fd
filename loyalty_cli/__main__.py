"""Run the program as `python -m loyalty_cli`."""

from loyalty_cli.cli import main

if __name__ == "__main__":
    main()
