"""How sure one may be of a share after few observations.

E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
"""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(wrong: float, checked: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the one-sided lower and upper bound of a share.

    Args:
        wrong: How many were counted; 0 to `checked`.
        checked: Out of how many. With none the bounds are 0 and 1.
        confidence: Chance that the share lies on the right side of *one* of the bounds.

    Returns:
        Lower and upper bound, 0 to 1.
    """
    if checked <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(confidence)
    share = wrong / checked
    scale = 1 + z * z / checked
    middle = share + z * z / (2 * checked)
    spread = z * math.sqrt(share * (1 - share) / checked + z * z / (4 * checked * checked))
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
