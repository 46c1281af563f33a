"""DashScope's text rerank, in small: documents that share words with the query come first.

Source: help.aliyun.com/en/model-studio/text-rerank-api.
"""

from __future__ import annotations

from typing import Any

from langchain_switchyard.testing.faulty.dialects.dashscope import DashScope
from langchain_switchyard.testing.faulty.dialects.dialect import Refused
from langchain_switchyard.testing.faulty.embeddings import embed
from langchain_switchyard.testing.faulty.jsons import body_of, compact
from langchain_switchyard.testing.faulty.problem import Problem
from langchain_switchyard.testing.faulty.question import Question, Reply, plain_message
from langchain_switchyard.testing.faulty.wire import Request
from langchain_switchyard.testing.tokens import count_tokens

_MOST_DOCUMENTS = 500
_DIMENSIONS = 1_024


class DashScopeRerank(DashScope):
    """`POST /api/v1/services/rerank/text-rerank/text-rerank`; refusals are worded as ever."""

    def read(self, request: Request) -> Question:
        """Understand a rerank request."""
        body = body_of(request)
        model = str(body.get("model") or "")
        given = body.get("input") or {}
        query, documents = given.get("query"), given.get("documents")
        if not query or not documents:
            detail = "Required input parameter missing from request."
            problem = Problem("bad_request", detail=detail, code="BadRequest.EmptyInput")
            raise Refused(problem, model)
        if len(documents) > _MOST_DOCUMENTS or not all(documents):
            detail = f"documents must be 1 to {_MOST_DOCUMENTS} texts that are not empty"
            raise Refused(Problem("bad_request", detail=detail), model)
        message = plain_message({"role": "user", "content": query}, [0])
        return Question(model=model, messages=[message], body=body)

    def plain(self, question: Question, reply: Reply) -> bytes:
        """Return the documents' places and scores, best first."""
        given, wanted = question.body["input"], question.body.get("parameters") or {}
        query, documents = given["query"], given["documents"]
        scores = [_score(query, document) for document in documents]
        order = sorted(range(len(documents)), key=lambda place: -scores[place])
        results: list[dict[str, Any]] = [
            {"index": place, "relevance_score": scores[place]}
            for place in order[: wanted.get("top_n")]
        ]
        if wanted.get("return_documents"):
            for result in results:
                result["document"] = {"text": documents[result["index"]]}
        tokens = sum(count_tokens(query) + count_tokens(document) for document in documents)
        return compact(
            {
                "output": {"results": results},
                "usage": {"total_tokens": tokens},
                "request_id": f"00000000-0000-4000-8000-{reply.number:012d}",
            }
        ).encode()


def _score(query: str, document: str) -> float:
    """Shared words and characters, from 0 to 1."""
    pairs = zip(embed(query, _DIMENSIONS), embed(document, _DIMENSIONS), strict=True)
    return max(sum(a * b for a, b in pairs), 0.0)
