"""A local model in a child of a fork: one thread, because more would never answer.

GNU's OpenMP, which torch's CPU builds use, remembers threads that the child has not, and waits for
them in the first operation that it shares out.
"""

from __future__ import annotations

import logging
from importlib import import_module

from langchain_switchyard.forks import FORKS

_logger = logging.getLogger(__name__)


class TorchForks:
    """Lets torch go on in children of this process; kept as long as the model is."""

    def __init__(self) -> None:
        """Wait for forks."""
        FORKS.tend(self)

    def before_fork(self) -> None:
        """Nothing to let go of."""

    def forked(self) -> None:
        """Leave out the threads that are not there."""
        torch = import_module("torch")
        if torch.get_num_threads() > 1:
            _logger.warning(
                "a local model was loaded before this process forked: it computes on one thread "
                "here. Load it after the fork to use more"
            )
            torch.set_num_threads(1)
