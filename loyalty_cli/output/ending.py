"""The line that ends a list on a terminal: what was done, how long it took, where it is."""

from collections.abc import Mapping
from pathlib import Path

from loyalty_cli.output import messages


def report_end(
    what: str, outcomes: Mapping[str, int], seconds: float, written: Path | None = None
) -> None:
    """Print to a terminal how many of `what` had each of the outcomes, and the file, if any."""
    came = [(name, number) for name, number in outcomes.items() if number]
    shown = [f"{number:,} {name}" for name, number in came]
    if len(came) == 1:
        shown = [f"all {came[0][0]}"]
    where = f"; written to {str(written)!r}" if written else ""
    done = sum(outcomes.values())
    messages.banner(f"{done:,} {what} in {duration(seconds)}: {', '.join(shown)}{where}.")


def duration(seconds: float) -> str:
    """A time in the one or two units that matter, such as 1 min 12 s."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
