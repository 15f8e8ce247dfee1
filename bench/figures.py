"""How figures are told: the median of several runs, with the spread that shows the noise."""

import statistics
from collections.abc import Sequence


def told(name: str, values: Sequence[float], unit: str, goal: str = "") -> str:
    """One line: median, least and most."""
    middle, least, most = statistics.median(values), min(values), max(values)
    aim = f"   (aim {goal})" if goal else ""
    return f"{name:<46} {middle:8.2f} {unit:<4} [{least:.2f} … {most:.2f}, n={len(values)}]{aim}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
