"""A small Elasticsearch on the loopback: it does what the documentation says, and nothing else.

It keeps documents and evaluates the part of the search API that the backend uses: ``match`` on a
whitespace-analysed field with BM25 (k1 = 1.2, b = 0.75), ``bool``, ``term``, ``ids``, ``range`` and
``wildcard`` on keywords, ``knn`` with a filter, retrievers, ``_source``, sorting by a number. Every
other path, parameter or key is answered by 400, as the real server answers what it cannot parse.

From the documentation (Elasticsearch 8 and 9, OpenSearch 2 and 3), not from a running server: the
requests' and answers' shapes, ``_score`` of cosine kNN as ``(1 + cosine) / 2``, RRF as ``1 / (60 +
rank)``, the linear retriever's min-max, status 403 for retrievers that the licence lacks, 404 for a
missing mapping, and that writes become visible with ``refresh`` only.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np

Json = dict[str, Any]


class Refused(Exception):
    """Answered with an error."""

    def __init__(self, status: int, kind: str, reason: str) -> None:
        """Keep what to answer."""
        super().__init__(reason)
        self.status, self.kind = status, kind


def only(given: Json, *allowed: str) -> Json:
    """Refuse keys that this server does not know."""
    unknown = set(given) - set(allowed)
    if unknown:
        raise Refused(400, "parsing_exception", f"unknown key [{', '.join(sorted(unknown))}]")
    return given


def one(given: Json) -> tuple[str, Any]:
    """Return the only key and its value."""
    if len(given) != 1:
        raise Refused(400, "parsing_exception", f"expected one key, found {sorted(given)}")
    return next(iter(given.items()))


class LoopbackIndex:
    """Documents of one index, what of them is visible, and its mapping."""

    def __init__(self, mappings: Json, opensearch: bool, settings: Json) -> None:
        """Start empty."""
        self.mappings: Json = {"properties": {}}
        self.opensearch, self.settings = opensearch, settings
        self.merge(mappings)
        self.written: dict[str, Json] = {}
        self.visible: dict[str, Json] = {}

    def merge(self, mappings: Json) -> None:
        """Add fields; ``_meta`` is replaced as a whole."""
        only(mappings, "dynamic", "properties", "_meta")
        for name, field in mappings.get("properties", {}).items():
            if self.mappings["properties"].get(name, field) != field:
                raise Refused(400, "illegal_argument_exception", f"cannot change [{name}]")
            self._check_field(field)
            self.mappings["properties"][name] = field
        for key in ("dynamic", "_meta"):
            if key in mappings:
                self.mappings[key] = mappings[key]

    def _check_field(self, field: Json) -> None:
        kinds = {
            "text": ("analyzer", "index_options"),
            "keyword": (),
            "long": (),
            "dense_vector": ("dims", "index", "similarity", "index_options"),
            "knn_vector": ("dimension", "method"),
        }
        kind = field["type"]
        foreign = {"dense_vector"} if self.opensearch else {"knn_vector"}
        if kind not in kinds or kind in foreign:
            raise Refused(400, "mapper_parsing_exception", f"no handler for type [{kind}]")
        only(field, "type", *kinds[kind])
        if kind == "knn_vector" and not self.settings.get("index.knn"):
            raise Refused(400, "mapper_parsing_exception", "index.knn is not set")

    def change(self, kind: str, name: str, lines: Iterator[Json]) -> int:
        """Do one operation of a bulk request; return its status."""
        if kind == "index":
            self.put(name, next(lines))
            return 200
        if kind == "delete":
            return 404 if self.written.pop(name, None) is None else 200
        raise Refused(400, "illegal_argument_exception", f"unknown action [{kind}]")

    def put(self, name: str, body: Json) -> None:
        """Check and write a document."""
        if not 0 < len(name.encode()) <= 512:
            raise Refused(400, "illegal_argument_exception", "id is too long or empty")
        for key, field in self.mappings["properties"].items():
            values = body.get(key, [])
            if field["type"] == "keyword":
                assert all(len(value.encode()) <= 32_766 for value in values)
            elif field["type"] in ("dense_vector", "knn_vector") and key in body:
                dims = field.get("dims", field.get("dimension"))
                if len(values) != dims or not any(values):
                    raise Refused(400, "document_parsing_exception", "dims, or zero magnitude")
        self.written[name] = body

    def texts(self, field: str) -> dict[str, list[str]]:
        """Return the tokens of a whitespace-analysed field."""
        if self.mappings["properties"].get(field, {}).get("analyzer") != "whitespace":
            raise Refused(400, "query_shard_exception", f"no such text field [{field}]")
        return {name: body[field].split() for name, body in self.visible.items()}

    def scores(self, query: Json) -> dict[str, float]:
        """Return the scores of the documents that a query matches."""
        kind, asked = one(query)
        if kind in ("match_all", "match_none"):
            return dict.fromkeys(self.visible, 1.0) if kind == "match_all" else {}
        if kind == "match":
            return self._bm25(*one(asked))
        if kind == "bool":
            keys = ("must", "filter", "should", "must_not", "minimum_should_match")
            return self._bool(only(asked, *keys))
        if kind == "ids":
            wanted = set(only(asked, "values")["values"])
            return {name: 1.0 for name in self.visible if name in wanted}
        if kind == "knn" and self.opensearch:
            field, inner = one(asked)
            given = only(inner, "vector", "k", "filter")
            return self._nearest(field, given["vector"], given["k"], given.get("filter"))
        return self._keywords(kind, asked)

    def _keywords(self, kind: str, asked: Json) -> dict[str, float]:
        field, wanted = one(asked)
        if self.mappings["properties"].get(field, {}).get("type") != "keyword":
            raise Refused(400, "query_shard_exception", f"no such keyword field [{field}]")
        if kind == "term":

            def passes(value: str) -> bool:
                return value == wanted
        elif kind == "wildcard":
            pattern = re.compile(_expression(only(wanted, "value")["value"]), re.DOTALL)

            def passes(value: str) -> bool:
                return pattern.fullmatch(value) is not None
        elif kind == "range":
            limits = {k: v.encode() for k, v in only(wanted, "gt", "gte", "lt", "lte").items()}

            def passes(value: str) -> bool:
                found = value.encode()
                tests = {"gt": found.__gt__, "gte": found.__ge__,
                         "lt": found.__lt__, "lte": found.__le__}  # fmt: skip
                return all(tests[name](limit) for name, limit in limits.items())
        else:
            raise Refused(400, "parsing_exception", f"unknown query [{kind}]")
        return {n: 1.0 for n, body in self.visible.items() if any(map(passes, body[field]))}

    def _bool(self, asked: Json) -> dict[str, float]:
        found = dict.fromkeys(self.visible, 0.0)
        for part in asked.get("must", []):
            scores = self.scores(part)
            found = {name: found[name] + scores[name] for name in found if name in scores}
        for part in asked.get("filter", []):
            scores = self.scores(part)
            found = {name: score for name, score in found.items() if name in scores}
        for part in asked.get("must_not", []):
            scores = self.scores(part)
            found = {name: score for name, score in found.items() if name not in scores}
        if "should" in asked:
            assert asked["minimum_should_match"] == 1
            parts = [self.scores(part) for part in asked["should"]]
            found = {n: s for n, s in found.items() if any(n in scores for scores in parts)}
        return found

    def _bm25(self, field: str, asked: Json) -> dict[str, float]:
        texts = {name: Counter(tokens) for name, tokens in self.texts(field).items()}
        lengths = {name: sum(tokens.values()) for name, tokens in texts.items()}
        mean = sum(lengths.values()) / max(len(texts), 1)
        found: Counter[str] = Counter()
        for term, weight in Counter(only(asked, "query")["query"].split()).items():
            holding = [name for name, tokens in texts.items() if term in tokens]
            idf = np.log1p((len(texts) - len(holding) + 0.5) / (len(holding) + 0.5))
            for name in holding:
                tf, length = texts[name][term], lengths[name]
                norm = tf + 1.2 * (0.25 + 0.75 * length / mean)
                found[name] += float(weight * idf * 2.2 * tf / norm)
        return dict(found)

    def _nearest(
        self, field: str, vector: list[float], k: int, chosen: Json | None
    ) -> dict[str, float]:
        if field not in self.mappings["properties"]:
            raise Refused(400, "query_shard_exception", f"failed to create query: [{field}]")
        allowed = self.visible if chosen is None else self.scores(chosen)
        query = np.array(vector)
        found = {}
        for name in allowed:
            if field in self.visible[name]:
                other = np.array(self.visible[name][field])
                cosine = query @ other / np.linalg.norm(query) / np.linalg.norm(other)
                found[name] = float((1 + cosine) / 2)
        return dict(sorted(found.items(), key=lambda hit: -hit[1])[:k])

    def knn(self, asked: Json) -> dict[str, float]:
        """The ``knn`` section of Elasticsearch's search."""
        only(asked, "field", "query_vector", "k", "num_candidates", "filter")
        if not asked["k"] <= asked["num_candidates"] <= 10_000:
            raise Refused(400, "illegal_argument_exception", "[num_candidates] is out of range")
        return self._nearest(asked["field"], asked["query_vector"], asked["k"], asked.get("filter"))

    def retrieve(self, asked: Json) -> dict[str, float]:
        """A retriever."""
        kind, inner = one(asked)
        if kind == "standard":
            return self.scores(only(inner, "query")["query"])
        if kind == "knn":
            return self.knn(inner)
        window = inner["rank_window_size"]
        total: Counter[str] = Counter()
        if kind == "rrf":
            only(inner, "retrievers", "rank_constant", "rank_window_size")
            for leg in inner["retrievers"]:
                for rank, name in enumerate(_best(self.retrieve(leg), window), start=1):
                    total[name] += 1 / (inner["rank_constant"] + rank)
            return dict(total)
        if kind == "linear":
            only(inner, "retrievers", "rank_window_size")
            for each in inner["retrievers"]:
                only(each, "retriever", "weight", "normalizer")
                assert each["normalizer"] == "minmax"
                scores = _best(self.retrieve(each["retriever"]), window)
                low, high = min(scores.values(), default=0), max(scores.values(), default=0)
                for name, score in scores.items():
                    total[name] += each["weight"] * ((score - low) / (high - low or 1))
            return dict(total)
        raise Refused(400, "parsing_exception", f"unknown retriever [{kind}]")


class Loopback:
    """The server; ``refused`` lists what it could not parse, which a test expects to be empty.

    Args:
        opensearch: Speak OpenSearch's dialect, without Elasticsearch's own header.
        licensed: Whether retrievers that fuse are part of the licence.
    """

    def __init__(self, *, opensearch: bool = False, licensed: bool = True) -> None:
        """Listen."""
        self.opensearch, self.licensed = opensearch, licensed
        self.indices: dict[str, LoopbackIndex] = {}
        self.refused: list[str] = []
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self._turn = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Answers go out at once and whole, or every one would wait 40 ms.
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *_: Any) -> None:
                pass

        for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
            setattr(Handler, f"do_{method}", _answering(self))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """For clients."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0)).decode()
        path = urlsplit(handler.path)
        self.seen.append((handler.command, handler.path, dict(handler.headers.items())))
        try:
            with self._turn:
                status, answer = (
                    200,
                    self._route(handler.command, path.path, dict(parse_qsl(path.query)), body),
                )
        except Refused as error:
            status = error.status
            answer = {"error": {"type": error.kind, "reason": str(error)}, "status": status}
            if status == 400 and error.kind != "resource_already_exists_exception":
                self.refused.append(f"{handler.command} {handler.path}: {error}")
        data = json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        if not self.opensearch:
            handler.send_header("x-elastic-product", "Elasticsearch")
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _route(self, method: str, path: str, params: dict[str, str], body: str) -> Json:
        if (method, path) == ("POST", "/_bulk"):
            only(params, "refresh")
            return self._bulk(body, params.get("refresh", "false"))
        name, _, rest = path.strip("/").partition("/")
        if (method, rest) == ("PUT", ""):
            return self._create(name, json.loads(body))
        if (method, rest) == ("PUT", "_mapping"):
            self._index(name).merge(json.loads(body))
            return {"acknowledged": True}
        if (method, rest) == ("GET", "_mapping"):
            return {name: {"mappings": self._index(name).mappings}}
        if (method, rest) == ("GET", "_count"):
            only(params, "ignore_unavailable")
            return {"count": len(self.indices[name].visible) if name in self.indices else 0}
        if (method, rest) == ("POST", "_search"):
            only(params, "ignore_unavailable")
            assert params["ignore_unavailable"] == "true"
            return self._search(name, json.loads(body))
        raise Refused(400, "illegal_argument_exception", f"no handler for {method} {path}")

    def _index(self, name: str) -> LoopbackIndex:
        if name not in self.indices:
            raise Refused(404, "index_not_found_exception", f"no such index [{name}]")
        return self.indices[name]

    def _create(self, name: str, body: Json) -> Json:
        if name in self.indices:
            raise Refused(400, "resource_already_exists_exception", f"index [{name}] exists")
        only(body, "mappings", *(["settings"] if self.opensearch else []))
        settings = body.get("settings", {})
        self.indices[name] = LoopbackIndex(body["mappings"], self.opensearch, settings)
        return {"acknowledged": True, "index": name}

    def _bulk(self, body: str, refresh: str) -> Json:
        assert body.endswith("\n")
        lines = iter([json.loads(line) for line in body.splitlines()])
        items, touched = [], set()
        for line in lines:
            kind, target = one(line)
            only(target, "_index", "_id")
            index = self._index(target["_index"])
            touched.add(target["_index"])
            item: Json = {"_id": target["_id"]}
            try:
                item["status"] = index.change(kind, target["_id"], lines)
            except Refused as error:
                item |= {"status": 400, "error": {"type": error.kind, "reason": str(error)}}
            items.append({kind: item})
        if refresh in ("true", "wait_for"):
            for name in touched:
                self.indices[name].visible = dict(self.indices[name].written)
        return {"errors": any("error" in part for item in items for part in item.values()),
                "items": items}  # fmt: skip

    def _search(self, name: str, body: Json) -> Json:
        dialect = () if self.opensearch else ("knn", "retriever")
        only(body, "query", "size", "_source", "sort", *dialect)
        if body["size"] > 10_000:
            raise Refused(400, "illegal_argument_exception", "Result window is too large")
        if name not in self.indices:
            return {"hits": {"hits": []}}
        index = self.indices[name]
        if "retriever" in body:
            kind = next(iter(body["retriever"]))
            if kind in ("rrf", "linear") and not self.licensed:
                reason = f"current license is non-compliant for [{kind}]"
                raise Refused(403, "security_exception", reason)
            scores = index.retrieve(body["retriever"])
        else:
            scores = index.knn(body["knn"]) if "knn" in body else index.scores(body["query"])
        names = list(_best(scores, len(scores)))
        if "sort" in body:
            (field,) = body["sort"]
            names.sort(key=lambda each: index.visible[each][field])
        hits = [
            {
                "_id": each,
                "_score": scores[each],
                "_source": {
                    key: value
                    for key, value in index.visible[each].items()
                    if key in body["_source"]
                },
            }
            for each in names[: body["size"]]
        ]
        return {"hits": {"hits": hits}}


def _best(scores: dict[str, float], count: int) -> dict[str, float]:
    return dict(sorted(scores.items(), key=lambda hit: -hit[1])[:count])


def _expression(pattern: str) -> str:
    """Lucene's wildcards as a regular expression: * and ?, a backslash before what is meant."""
    parts = re.findall(r"\\.|[*?]|[^\\*?]+", pattern, re.DOTALL)
    meanings = {"*": ".*", "?": "."}
    return "".join(meanings.get(part, re.escape(part.removeprefix("\\"))) for part in parts)


def _answering(server: Loopback) -> Any:
    """Return a method for handlers; a bound one would not get the handler."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        server.respond(handler)

    return answer
