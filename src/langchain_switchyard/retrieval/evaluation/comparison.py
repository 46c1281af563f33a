"""Evaluations side by side: a table with p-values, and a plot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.evaluation.chart import Row, columns, draw
from langchain_switchyard.retrieval.evaluation.evaluate import Evaluation
from langchain_switchyard.retrieval.evaluation.significance import Difference, p_text


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Evaluations of the same queries; the first one is held against each of the others.

    Attributes:
        evaluations: ``name -> evaluation``; names may be in any script.
        measures: What all of them were measured by.
    """

    evaluations: Mapping[str, Evaluation]
    measures: tuple[str, ...]

    def difference(self, other: str, measure: str) -> Difference:
        """Return how much better the first evaluation is than another one.

        Args:
            other: Its name.
            measure: One of ``measures``.

        Raises:
            ConfigurationError: There is no such evaluation or measure.
        """
        if other not in self.evaluations:
            raise ConfigurationError(f"no {other!r} here; there are {', '.join(self.evaluations)}")
        return self.evaluations[self._first].difference(self.evaluations[other], measure)

    def plot(self, path: str | Path | None = None) -> str:
        """Return the comparison as an SVG image, and write it if there is a path.

        Raises:
            ConfigurationError: The path is not one of an SVG file.
        """
        drawn = draw(
            {measure: self._rows(measure) for measure in self.measures},
            note="Lines are 95 % intervals over queries; "
            f"p-values are of {self._first} against each, paired by query.",
        )
        if path is not None:
            if Path(path).suffix.lower() != ".svg":
                raise ConfigurationError(f"plots are SVG images: end {str(path)!r} with .svg")
            Path(path).write_text(drawn, "utf-8")
        return drawn

    def __str__(self) -> str:
        """Return one line for each measure and evaluation."""
        width = max(columns(name) for name in self.evaluations)
        blanks = {name: " " * (width - columns(name)) for name in self.evaluations}
        return "\n".join(
            f"{measure:12} {row.name}{blanks[row.name]}  {row.interval}  {row.note}".rstrip()
            for measure in self.measures
            for row in self._rows(measure)
        )

    def __repr__(self) -> str:
        """Return the same table."""
        return str(self)

    def _repr_html_(self) -> str:
        lines = [
            f"<tr><td>{escape(measure)}</td><td>{escape(row.name)}</td>"
            f"<td>{row.interval}</td><td>{escape(row.note)}</td></tr>"
            for measure in self.measures
            for row in self._rows(measure)
        ]
        head = "<tr><th>measure</th><th>retriever</th><th>mean [95 %]</th><th></th></tr>"
        return f"{self.plot()}<table>{head}{''.join(lines)}</table>"

    @property
    def _first(self) -> str:
        return next(iter(self.evaluations))

    def _rows(self, measure: str) -> list[Row]:
        return [
            Row(name, evaluation[measure], self._note(name, measure))
            for name, evaluation in self.evaluations.items()
        ]

    def _note(self, name: str, measure: str) -> str:
        return "" if name == self._first else p_text(self.difference(name, measure).p_value)


def compare(evaluations: Mapping[str, Evaluation]) -> Comparison:
    """Put evaluations side by side, the one in question first.

    Args:
        evaluations: ``name -> evaluation``, two or more, all of the same queries. Each p-value is
            of one comparison: of twenty, one is below .05 by chance.

    Raises:
        ConfigurationError: There is nothing to compare, or the queries differ.
    """
    if len(evaluations) < 2:
        raise ConfigurationError("a comparison needs two evaluations or more")
    first, *others = evaluations.values()
    if any(other.queries != first.queries for other in others):
        raise ConfigurationError("only evaluations of the same queries can be compared")
    shared = tuple(name for name in first.scores if all(name in each.scores for each in others))
    if not shared:
        raise ConfigurationError("these evaluations have no measure in common")
    return Comparison(dict(evaluations), shared)
