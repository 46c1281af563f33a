"""What the cache is going to do for one call: its key, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_core.messages import HumanMessage, ToolMessage

from langchain_switchyard.cache.admission import request_rule
from langchain_switchyard.cache.checks import check_names
from langchain_switchyard.cache.entry import Entry, Freshness
from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.request import Request
from langchain_switchyard.cache.keys.route import Route
from langchain_switchyard.cache.keys.subject import tenant_mark
from langchain_switchyard.cache.parts import Parts
from langchain_switchyard.cache.semantic_contract import Question
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.call import Call

NO_WISHES = CacheOptions()


@dataclass(slots=True)
class Plan:
    """One call as the cache sees it."""

    request: Request
    options: CacheOptions
    key: Key | None
    """None: the call goes past the cache."""
    reason: str | None = None
    """Why it goes past the cache."""
    epochs: tuple[tuple[str, int], ...] = ()
    """As they were before the model was asked."""

    def use_of(self, entry: Entry, now: float) -> Freshness:
        """What an entry may be used for by this call: `max_age` holds whatever the entry says."""
        limit = self.options.max_age
        if limit is not None and now - entry.created > limit:
            return "dead"
        return entry.freshness(now)


def plan_call(parts: Parts, call: Call, route: Route) -> Plan:
    """Decide what the cache may do for a call."""
    policy = parts.policy
    options, tenant = call.options.cache or NO_WISHES, call.options.tenant
    given: object = options
    if not isinstance(given, CacheOptions):
        raise ConfigurationError(
            "CallOptions.cache is a CacheOptions, such as CacheOptions(no_cache=True); "
            f"got {given!r}"
        )
    check_names(tenant=tenant)
    parameters = {**call.kwargs, "stop": call.stop} if call.stop else call.kwargs
    request = Request(
        messages=call.messages,
        parameters=parameters,
        model=route.identity,
        namespace=options.namespace or policy.namespace,
        tenant=tenant,
        subject=options.subject,
        vary=options.vary,
    )
    reason = request_rule(parameters, route.temperature, options, policy.admission)
    if reason is not None:
        return Plan(request, options, None, reason)
    try:
        key = parts.keys.key(request)
    except Uncacheable as error:
        return Plan(request, options, None, f"no key: {error}"[:80])
    epochs = parts.shelf.epochs.stamp(
        request.namespace, options.tags, options.subject, request.tenant
    )
    return Plan(request, options, key, None, epochs)


def question_of(parts: Parts, plan: Plan) -> Question | None:
    """The question that may be matched by meaning, or None where meaning alone must not decide."""
    messages, parameters = plan.request.messages, plan.request.parameters
    if plan.key is None or not messages:
        return None
    if any(parameters.get(name) for name in ("tools", "functions", "response_format")):
        return None
    turns = sum(isinstance(message, HumanMessage) for message in messages)
    if turns > parts.policy.semantic_turns or any(isinstance(m, ToolMessage) for m in messages):
        return None
    last = messages[-1]
    if not isinstance(last, HumanMessage) or not isinstance(last.content, str):
        return None
    return Question(
        partition=parts.keys.partition(plan.request),
        text=last.content,
        key=plan.key.digest,
        user=plan.request.subject,
        tenant="" if plan.request.subject is None else tenant_mark(plan.request.tenant),
        scope=plan.key.scope,
        epochs=plan.epochs,
        for_outage=parts.policy.degradation.mode == "similar",
    )
