"""Ray as an ``Executor``: the same work on a cluster instead of this machine's processes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

from langchain_switchyard.errors import MissingExtra

P = ParamSpec("P")
T = TypeVar("T")


class RayExecutor(Executor):
    """Runs calls as Ray tasks; give it to ``sync_folder`` or ``sync_documents`` as ``workers``.

    The machines need this package, and for ``sync_folder`` the folder under the same path.

    Args:
        **options: For ``ray.remote``: ``num_cpus``, ``resources``, ``runtime_env``... Ray is
            started on this machine unless ``ray.init`` was called before.

    Raises:
        MissingExtra: Ray is not installed (extra ``ray``).
    """

    def __init__(self, **options: Any) -> None:
        """Start or join Ray."""
        try:
            ray: Any = import_module("ray")
        except ImportError as error:
            raise MissingExtra("RayExecutor", "ray") from error
        if not ray.is_initialized():
            ray.init(log_to_driver=False)
        self._call: Any = ray.remote(**options)(_call) if options else ray.remote(_call)
        self._max_workers = int(ray.cluster_resources().get("CPU", 1))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start a call somewhere; its result or error arrives in the future."""
        future: Future[T] = self._call.remote(fn, args, kwargs).future()
        return future


def _call(fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    return fn(*args, **kwargs)
