"""The semantic level of the response cache: past answers to questions that mean the same.

One question's way: may it be matched at all (`eligible`), embed it, let the mode decide over the
nearest stored questions of its partition (`modes`), let no answer cross a difference that counts
(`vetoes`), check a share of the hits (`watch`). A fresh answer's way: store its question as a group
of its own, compare the answer with the nearest groups' (`equivalence`), join or tell apart.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from langchain_switchyard.cache.semantic.encoder import encoder_name
from langchain_switchyard.cache.semantic.equivalence import (
    AnswerEquivalence,
    AsyncAnswerEquivalence,
    Comparison,
    SameWords,
)
from langchain_switchyard.cache.semantic.hits import HitId
from langchain_switchyard.cache.semantic.matcher import Context, Learning, Matcher
from langchain_switchyard.cache.semantic.modes import Agreement, Mode, Threshold
from langchain_switchyard.cache.semantic.ngrams import NgramEmbeddings
from langchain_switchyard.cache.semantic.notes import FORM
from langchain_switchyard.cache.semantic.partition import Asked
from langchain_switchyard.cache.semantic.policy import SemanticPolicy
from langchain_switchyard.cache.semantic.vetoes import strict_veto, veto
from langchain_switchyard.cache.semantic_contract import (
    Page,
    Place,
    Question,
    SemanticHit,
    Stamp,
    Verdict,
)
from langchain_switchyard.errors import MissingExtra

if TYPE_CHECKING:
    from langchain_switchyard.cache.semantic.vector_index import Vector

_log = logging.getLogger(__name__)

_NEAR_DUPLICATE = Threshold(similarity=0.6)
"""Without an encoder n-grams propose, `strict_veto` decides."""

_NO_EMBEDDING = "no embedding"


class SemanticCache:
    """Past answers to questions that mean the same.

    Keeps questions and vectors in memory, per partition; answers stay in the cache's levels. If one
    of those is shared, what is learned is told there and heard by others and after a restart.
    Thread-safe. A failing encoder or judge is logged and costs a hit, never a request.

    Args:
        embeddings: Any LangChain embeddings, of the language that is asked in. None: no meaning is
            matched, only near duplicates are (character n-grams and a strict veto).
        mode: The rule of decision; `Agreement()` if there are embeddings.
        equivalence: Says whether two answers say the same; `SameWords()` if None.
        policy: Everything around the decision.
        chance: Draws ids, checks and explorations; the operating system's if None.

    Raises:
        MissingExtra: numpy is not installed.
    """

    def __init__(
        self,
        embeddings: Embeddings | None = None,
        *,
        mode: Mode | None = None,
        equivalence: AnswerEquivalence | None = None,
        policy: SemanticPolicy | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """Put the parts together; nothing is embedded yet."""
        try:
            # Here and not above: numpy is an extra, and importing this package must not need it.
            graph = import_module("langchain_switchyard.cache.semantic.graph_index")
            vectors = import_module("langchain_switchyard.cache.semantic.vector_index")
        except ImportError as error:
            raise MissingExtra("the semantic cache", "semantic") from error
        policy = policy or SemanticPolicy()
        if embeddings is None and policy.veto is veto:
            policy = replace(policy, veto=strict_veto)
        self._unit: Callable[[Sequence[float]], Vector] = vectors.unit
        self._outage = policy.outage if embeddings is not None else mode or _NEAR_DUPLICATE
        self._embeddings = embeddings or NgramEmbeddings()
        self._equivalence = equivalence or SameWords()
        self._matcher = Matcher(
            mode or (Agreement() if embeddings is not None else _NEAR_DUPLICATE),
            policy,
            chance or random.SystemRandom(),
            partial(graph.GrowingIndex, policy.capacity.graph_above),
        )

    def lookup(self, question: Question) -> Verdict:
        """Decide whether a past answer may be served as if it were this question's."""
        if refusal := self._matcher.refusal(question):
            return self._matcher.miss(refusal)
        asked = self._read(question)
        if asked is None:
            return self._matcher.miss(_NO_EMBEDDING)
        return self._matcher.decide(question, asked)

    async def alookup(self, question: Question) -> Verdict:
        """As `lookup`."""
        if refusal := self._matcher.refusal(question):
            return self._matcher.miss(refusal)
        asked = await self._aread(question)
        if asked is None:
            return self._matcher.miss(_NO_EMBEDDING)
        return self._matcher.decide(question, asked)

    def outage(self, question: Question) -> SemanticHit | None:
        """The best past answer when no model can be asked; the caller marks it as such."""
        if self._outage is None or self._matcher.refusal(question, in_outage=True):
            return None
        asked = self._read(question)
        if asked is None:
            return None
        return self._matcher.decide_in_outage(question, asked, self._outage)

    async def aoutage(self, question: Question) -> SemanticHit | None:
        """As `outage`."""
        if self._outage is None or self._matcher.refusal(question, in_outage=True):
            return None
        asked = await self._aread(question)
        if asked is None:
            return None
        return self._matcher.decide_in_outage(question, asked, self._outage)

    def record(self, question: Question, answer: str, verdict: Verdict | None) -> None:
        """Learn a fresh answer that was just stored under `question.key`.

        Args:
            question: What was asked.
            answer: The model's text, to compare with neighbours' answers.
            verdict: What `lookup` had said, or None if it was not asked.
        """
        if not self._matcher.is_worth_learning(question):
            return
        asked = self._known(verdict) or self._read(question)
        if asked is None:
            return
        learning = self._matcher.learn(question, answer, asked, verdict)
        comparison = next(learning, None)
        while comparison is not None:
            try:
                same = self._equivalence.same(comparison)
            except Exception:  # noqa: BLE001 - a foreign judge may raise anything.
                _give_up(learning)
                return
            comparison = _send(learning, same=same)

    async def arecord(self, question: Question, answer: str, verdict: Verdict | None) -> None:
        """As `record`."""
        if not self._matcher.is_worth_learning(question):
            return
        asked = self._known(verdict) or await self._aread(question)
        if asked is None:
            return
        learning = self._matcher.learn(question, answer, asked, verdict)
        comparison = next(learning, None)
        while comparison is not None:
            try:
                same = await self._asame(comparison)
            except Exception:  # noqa: BLE001 - a foreign judge may raise anything.
                _give_up(learning)
                return
            comparison = _send(learning, same=same)

    def forget(self, keys: Sequence[bytes]) -> None:
        """These entries are gone or wrong: never name them again."""
        self._matcher.forget(keys)

    def forget_user(self, user: str) -> int:
        """Drop every question of a user, text and vector; returns how many there were."""
        return self._matcher.forget_user(user)

    def forget_stale(self, is_current: Callable[[Stamp], bool]) -> None:
        """Drop every question whose epochs no longer hold: something was invalidated."""
        self._matcher.forget_stale(is_current)

    def report_wrong(self, hit_id: str) -> bool:
        """A served hit was wrong: quarantine its neighbourhood.

        It counts like a check that failed. False if the entry is gone, the id is none, or the
        same hit was reported before.
        """
        return self._matcher.report_wrong(hit_id)

    # --- Learning from others; see `SharedSemanticLevel` ---

    @property
    def dialect(self) -> str:
        """The form of its notes and the encoder of its vectors."""
        return f"{FORM} {encoder_name(self._embeddings)}"

    def heard(self, place: Place) -> str:
        """Position up to which a place's notes are known."""
        return self._matcher.heard(place)

    def hear(self, place: Place, page: Page, is_current: Callable[[Stamp], bool]) -> None:
        """Take in what others learned, or this process before it was restarted."""
        self._matcher.hear(place, page, is_current)

    def told(self, place: Place) -> list[bytes]:
        """Notes on what was learned here since the last call."""
        return self._matcher.told(place)

    def place_of(self, hit_id: str) -> Place | None:
        """Where a hit was served."""
        hit = HitId.parse(hit_id)
        return None if hit is None else hit.place

    def stats(self) -> dict[str, Any]:
        """Plain figures: partitions, entries, bars, wrong per checked hit with its interval."""
        return self._matcher.stats()

    def _read(self, question: Question) -> Asked | None:
        try:
            vector = self._unit(self._embeddings.embed_query(question.text))
        except Exception:  # noqa: BLE001 - a foreign encoder may raise anything.
            _log.warning("a question could not be embedded; the model is asked", exc_info=True)
            return None
        return self._matcher.asked(question, vector)

    async def _aread(self, question: Question) -> Asked | None:
        try:
            vector = self._unit(await self._embeddings.aembed_query(question.text))
        except Exception:  # noqa: BLE001 - a foreign encoder may raise anything.
            _log.warning("a question could not be embedded; the model is asked", exc_info=True)
            return None
        return self._matcher.asked(question, vector)

    @staticmethod
    def _known(verdict: Verdict | None) -> Asked | None:
        context = verdict.context if verdict is not None else None
        return context.asked if isinstance(context, Context) else None

    async def _asame(self, comparison: Comparison) -> bool:
        if isinstance(self._equivalence, AsyncAnswerEquivalence):
            return await self._equivalence.asame(comparison)
        return await asyncio.to_thread(self._equivalence.same, comparison)


def _send(learning: Learning, *, same: bool) -> Comparison | None:
    try:
        return learning.send(same)
    except StopIteration:
        return None


def _give_up(learning: Learning) -> None:
    # No verdict is neither "same" nor "different": the question stays a group of its own.
    _log.warning("two answers could not be compared; nothing is learned from them", exc_info=True)
    learning.close()
