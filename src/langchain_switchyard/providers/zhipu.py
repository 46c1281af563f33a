"""Zhipu (GLM), by its OpenAI-compatible endpoint: its errors carry codes there."""

from __future__ import annotations

from langchain_switchyard.providers.openai_like import OpenAILike
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

_KINDS = {
    Kind.AUTH: "1000 1001 1002 1003 1004 1110 1111 1112 1120 1121 1211 1220 1221 1222 1311",
    # 1113 (arrears) comes as HTTP 429; 1304, 1308 and 1310 last until the reset they state.
    Kind.QUOTA_EXHAUSTED: "1113 1304 1308 1309 1310",
    Kind.BAD_REQUEST: "1210 1213 1214 1215",
    Kind.CONTEXT_LENGTH: "1261",
    Kind.CONTENT_FILTERED: "1301",
    Kind.RATE_LIMITED: "1302 1303 1305 1313",
    Kind.OVERLOADED: "1312",
    Kind.SERVER_ERROR: "500 1230 1234",
}

ERRORS = ErrorTable(
    codes={code: kind for kind, codes in _KINDS.items() for code in codes.split()},
    phrases=(
        ("余额不足", Kind.QUOTA_EXHAUSTED),
        ("prompt 超长", Kind.CONTEXT_LENGTH),
        ("prompt超长", Kind.CONTEXT_LENGTH),
    ),
)
"""Source: docs.bigmodel.cn/cn/api/api-code."""

zhipu = OpenAILike(
    name="zhipu",
    prefix="ZHIPUAI",
    base_url="https://open.bigmodel.cn/api/paas/v4",
    model="glm-4-flash",
    errors=ERRORS,
)
"""`zhipu("glm-4-flash")`: reads `ZHIPUAI_API_KEY`, `ZHIPUAI_BASE_URL`, `ZHIPUAI_MODEL`..."""
