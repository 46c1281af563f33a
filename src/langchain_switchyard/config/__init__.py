"""One description of a fleet, loaded: `Switchyard`."""

from langchain_switchyard.config.switchyard import Switchyard

__all__ = ["Switchyard"]
