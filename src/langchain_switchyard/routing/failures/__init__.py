"""What went wrong, in the field's words; and how any provider's exception is read."""

from langchain_switchyard.routing.failures.kinds import VERDICTS, Failure, Kind, Outcome, Verdict

__all__ = ["VERDICTS", "Failure", "Kind", "Outcome", "Verdict"]
