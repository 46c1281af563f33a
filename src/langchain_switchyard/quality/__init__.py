"""Whether an answer is any good, without asking a model unless one is given for it."""

from langchain_switchyard.quality.evaluator import Evaluator, Exchange, HeuristicEvaluator
from langchain_switchyard.quality.gate import Gate
from langchain_switchyard.quality.judge import JudgeEvaluator
from langchain_switchyard.quality.verdict import Remedy, Verdict

__all__ = [
    "Evaluator",
    "Exchange",
    "Gate",
    "HeuristicEvaluator",
    "JudgeEvaluator",
    "Remedy",
    "Verdict",
]
