"""The cache's layer in the pipeline: look, share a call under way, store, and help in an outage."""

from __future__ import annotations

import copy
import math
import random
from functools import partial

from langchain_switchyard.cache.degrade import degraded, is_outage
from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.errors import NotCached
from langchain_switchyard.cache.flights.asking import Asking
from langchain_switchyard.cache.flights.miss import Miss
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.route import Route, route_of
from langchain_switchyard.cache.parts import Parts
from langchain_switchyard.cache.plan import Plan, plan_call, question_of
from langchain_switchyard.cache.semantic_contract import Question, SemanticHit, Verdict
from langchain_switchyard.cache.serving import serve
from langchain_switchyard.errors import AllDeploymentsFailed
from langchain_switchyard.routing.call import Call, Reply
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.layer import Candidates, Handler


class CacheHandler:
    """One router's handler: answers from the cache, or lets `inner` answer and remembers it.

    Args:
        parts: The cache.
        world: The router's time and chance.
        inner: What asks the models.
    """

    def __init__(self, parts: Parts, world: World, inner: Handler) -> None:
        """Nothing is known of the fleet before its first call."""
        self._parts = parts
        self._world = world
        self._asking = Asking(parts, world, inner)
        self._route: tuple[Candidates, Route] | None = None

    def __call__(self, call: Call, candidates: Candidates) -> Steps[Reply]:
        """Handle one call."""
        parts = self._parts
        # First of all: what is asked from here on must know of everything invalidated before.
        yield from parts.shelf.epochs.refresh(self._world.clock.now())
        plan = plan_call(parts, call, self._route_of(candidates))
        if plan.key is None:
            return (yield from self._past_the_cache(call, candidates, plan))
        stale: tuple[Entry, str] | None = None
        if not plan.options.no_cache:
            found = yield from parts.shelf.find(plan.key, self._world.clock)
            if found is not None:
                use = plan.use_of(found[0], self._world.clock.wall())
                if use == "fresh":
                    if self._is_worn(found[0]):
                        yield from self._refresh(call, candidates, plan)
                    return (yield from self._serve(call, plan, found, "exact"))
                stale = found if use == "stale" else None
        if stale is not None:
            yield from self._refresh(call, candidates, plan)
            return (yield from self._serve(call, plan, stale, "stale"))
        return (yield from self._not_stored(call, candidates, plan))

    def _route_of(self, candidates: Candidates) -> Route:
        known = self._route
        if known is None or known[0] is not candidates:
            known = self._route = candidates, route_of(candidates, self._parts.policy.route)
        return known[1]

    def _past_the_cache(self, call: Call, candidates: Candidates, plan: Plan) -> Steps[Reply]:
        self._parts.tally.result(plan.request.namespace, "none", "bypass", plan.reason)
        if plan.options.only_if_cached:
            raise NotCached(f"only_if_cached, but this request is never cached: {plan.reason}")
        call.cache = {"cache": "miss", "cache_detail": {"reason": plan.reason}}
        return (yield from self._asking.plainly(call, candidates))

    def _not_stored(self, call: Call, candidates: Candidates, plan: Plan) -> Steps[Reply]:
        """No exact answer: a like question's, or the model's."""
        verdict: Verdict | None = None
        question = None
        if self._parts.semantic is not None and not plan.options.no_cache:
            question = question_of(self._parts, plan)
        if question is not None:
            verdict = yield from self._decide(question)
            if verdict is not None and verdict.hit is not None:
                reply = yield from self._serve_like(call, plan, verdict.hit)
                if reply is not None:
                    return reply
        if plan.options.only_if_cached:
            self._parts.tally.result(plan.request.namespace, "none", "miss", "only_if_cached")
            raise NotCached("only_if_cached, and there is no answer that may be served")
        try:
            return (yield from self._asking.ask(Miss(call, candidates, plan, question, verdict)))
        except AllDeploymentsFailed as error:
            if not is_outage(error):
                raise
            reply = yield from degraded(self._parts, call, plan, self._world.clock)
            if reply is None:
                raise
            return reply

    def _decide(self, question: Question) -> Steps[Verdict | None]:
        semantic = self._parts.semantic
        if semantic is None:
            return None
        return (yield from semantic.lookup(question, self._world.clock))

    def _serve_like(self, call: Call, plan: Plan, hit: SemanticHit) -> Steps[Reply | None]:
        parts = self._parts
        if plan.key is None or parts.semantic is None:
            return None
        found = yield from parts.shelf.find(Key(hit.key, plan.key.scope), self._world.clock)
        if found is None or plan.use_of(found[0], self._world.clock.wall()) != "fresh":
            if found is None:
                parts.semantic.forget(hit.key)
            return None
        similarity = round(hit.similarity, 4)
        details = {"similarity": similarity, "hit_id": hit.hit_id, "question": hit.question}
        return (
            yield from serve(
                call,
                found[0],
                parts.tally,
                namespace=plan.request.namespace,
                level=found[1],
                result="semantic",
                now=self._world.clock.wall(),
                details=details,
            )
        )

    def _serve(self, call: Call, plan: Plan, found: tuple[Entry, str], result: str) -> Steps[Reply]:
        return (
            yield from serve(
                call,
                found[0],
                self._parts.tally,
                namespace=plan.request.namespace,
                level=found[1],
                result=result,
                now=self._world.clock.wall(),
            )
        )

    def _is_worn(self, entry: Entry) -> bool:
        return is_worn(
            entry,
            self._world.clock.wall(),
            self._parts.policy.freshness.early,
            self._world.random,
        )

    def _refresh(self, call: Call, candidates: Candidates, plan: Plan) -> Steps[None]:
        """Fetch a fresh answer beside the caller, unless somebody does already."""
        background = self._parts.background
        if plan.options.no_store or background.is_busy:
            return
        twin = Call(
            copy.deepcopy(call.messages),
            call.stop,
            dict(call.kwargs),
            call.options,
            started=self._world.clock.now(),
        )
        flow = partial(self._asking.refresh, Miss(twin, candidates, plan))
        yield background.refresh(flow, self._world.clock)


def is_worn(entry: Entry, now: float, early: float, rng: random.Random) -> bool:
    """Whether a fresh entry is to be refreshed ahead of time.

    XFetch (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention,
    2015): each request draws for itself, the likelier the nearer the end and the longer the answer
    takes; about one of many does it.
    """
    if early <= 0 or entry.took <= 0:
        return False
    return now - entry.took * early * math.log(1.0 - rng.random()) >= entry.fresh_until
