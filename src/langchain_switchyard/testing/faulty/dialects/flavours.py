"""Refusals of the providers that speak OpenAI's dialect: same shape, other words.

Sources: platform.openai.com/docs/guides/error-codes, learn.microsoft.com (Azure OpenAI),
help.aliyun.com/en/model-studio/error-code, docs.bigmodel.cn/cn/api/api-code, and bodies quoted in
public reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from langchain_switchyard.testing.faulty.problem import Wording

OPENAI: Mapping[str, Wording] = MappingProxyType(
    {
        "rate_limited": Wording(
            429,
            "Rate limit reached for {model} in organization org-rehearsal on requests per min "
            "(RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms. Visit "
            "https://platform.openai.com/account/rate-limits to learn more.",
            "requests",
            "rate_limit_exceeded",
        ),
        "server_error": Wording(
            500,
            "The server had an error while processing your request. Sorry about that! You can "
            "retry your request, or contact us through our help center at help.openai.com if the "
            "error persists.",
            "server_error",
        ),
        "overloaded": Wording(
            503,
            "The server is currently overloaded with other requests. Sorry about that! You can "
            "retry your request, or contact us through our help center at help.openai.com if the "
            "error persists.",
            "server_error",
        ),
        "quota": Wording(
            429,
            "You exceeded your current quota, please check your plan and billing details. For "
            "more information on this error, read the docs: "
            "https://platform.openai.com/docs/guides/error-codes/api-errors.",
            "insufficient_quota",
            "insufficient_quota",
        ),
        "context_length": Wording(
            400,
            "This model's maximum context length is 8192 tokens. However, your messages resulted "
            "in {detail} tokens. Please reduce the length of the messages.",
            "invalid_request_error",
            "context_length_exceeded",
            "messages",
        ),
        "content_policy": Wording(
            400,
            "Your request was rejected as a result of our safety system. Your prompt may contain "
            "text that is not allowed by our safety system.",
            "invalid_request_error",
            "content_policy_violation",
        ),
        "prefill": Wording(
            400,
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got "
            "assistant",
            "invalid_request_error",
        ),
        "auth": Wording(
            401,
            "Incorrect API key provided: {key}. You can find your API key at "
            "https://platform.openai.com/account/api-keys.",
            "invalid_request_error",
            "invalid_api_key",
        ),
        "model_not_found": Wording(
            404,
            "The model `{model}` does not exist or you do not have access to it.",
            "invalid_request_error",
            "model_not_found",
        ),
        "bad_request": Wording(400, "{detail}", "invalid_request_error"),
    }
)

AZURE: Mapping[str, Wording] = MappingProxyType(
    {
        **OPENAI,
        "rate_limited": Wording(
            429,
            "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version "
            "2024-10-21 have exceeded token rate limit of your current OpenAI S0 pricing tier. "
            "Please retry after 20 seconds. Please go here: https://aka.ms/oai/quotaincrease if "
            "you would like to further increase the default rate limit.",
            None,
            "429",
        ),
        "content_policy": Wording(
            400,
            "The response was filtered due to the prompt triggering Azure OpenAI's content "
            "management policy. Please modify your prompt and retry. To learn more about our "
            "content filtering policies please read our documentation: "
            "https://go.microsoft.com/fwlink/?linkid=2198766",
            None,
            "content_filter",
            "prompt",
        ),
        "auth": Wording(
            401,
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to "
            "provide a valid key for an active subscription and use a correct regional API "
            "endpoint for your resource.",
            None,
            "401",
        ),
        "model_not_found": Wording(
            404,
            "The API deployment for this resource does not exist. If you created the deployment "
            "within the last 5 minutes, please wait a moment and try again.",
            None,
            "DeploymentNotFound",
        ),
    }
)

# DashScope's OpenAI-compatible mode.
QWEN: Mapping[str, Wording] = MappingProxyType(
    {
        **OPENAI,
        "rate_limited": Wording(
            429,
            "You exceeded your current requests list.",
            "limit_requests",
            "limit_requests",
        ),
        "server_error": Wording(
            500,
            "<500> InternalError.Algo: An internal error has occured, please try again later.",
            "internal_error",
            "internal_error",
        ),
        "overloaded": Wording(
            503,
            "<503> InternalError.Algo: An error occurred in model serving, error message is: "
            "[Too many requests. Your requests are being throttled due to system capacity limits.]",
            "ServiceUnavailable",
            "ServiceUnavailable",
        ),
        "quota": Wording(
            429,
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            "insufficient_quota",
        ),
        "arrears": Wording(
            400,
            "Access denied, please make sure your account is in good standing.",
            "Arrearage",
            "Arrearage",
        ),
        "context_length": Wording(
            400,
            "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 8192]",
            "invalid_request_error",
            "invalid_parameter_error",
        ),
        "content_policy": Wording(
            400,
            "<400> InternalError.Algo.DataInspectionFailed: Input text data may contain "
            "inappropriate content.",
            "data_inspection_failed",
            "data_inspection_failed",
        ),
        "auth": Wording(
            401,
            "Incorrect API key provided. ",
            "invalid_request_error",
            "invalid_api_key",
        ),
        "bad_request": Wording(400, "{detail}", "invalid_request_error", "invalid_parameter_error"),
    }
)

# Zhipu's business codes, each with the HTTP status it comes in.
ZHIPU: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "1000": (401, "身份验证失败"),
        "1001": (401, "Header中未收到Authentication参数，无法进行身份验证"),
        "1002": (401, "Authentication Token非法，请确认Authentication Token正确传递"),
        "1003": (401, "Authentication Token已过期，请重新生成/获取"),
        "1110": (429, "您的账户当前处于非活动状态。请检查账户信息"),
        "1112": (429, "您的账户已被锁定，请联系客服解锁"),
        "1113": (429, "您的账户已欠费，请充值后重试。"),
        "1210": (400, "API 调用参数有误，请检查文档。"),
        "1211": (400, "模型不存在，请检查模型代码。"),
        "1214": (400, "messages 参数非法。请检查文档。"),
        "1220": (403, "您无权访问 chat/completions。"),
        "1230": (500, "API 调用流程出错"),
        "1234": (500, "网络错误，错误id：20260101000000rehearsal，请联系客服。"),
        "1261": (400, "Prompt 超长"),
        "1301": (
            400,
            "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。",
        ),
        "1302": (429, "您当前使用该API的并发数过高，请降低并发，或联系客服增加限额。"),
        "1303": (429, "您当前使用该API的频率过高，请降低频率，或联系客服增加限额。"),
        "1304": (429, "该 API 已达今日调用次数限额，如有更多需求，请联系客服购买。"),
        "1305": (429, "该模型当前访问量过大，请您稍后再试。"),
        "1308": (429, "已达到 5 小时的使用上限。您的限额将在 2026-01-01 05:00:00 重置。"),
        "1312": (429, "该模型当前访问量过大，请您稍后再试，或切换其他模型如 glm-4.5-air 等"),
        "500": (500, "内部错误"),
    }
)

ZHIPU_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "rate_limited": "1302",
        "server_error": "500",
        "overloaded": "1305",
        "quota": "1113",
        "arrears": "1113",
        "context_length": "1261",
        "content_policy": "1301",
        "prefill": "1214",
        "auth": "1002",
        "model_not_found": "1211",
        "bad_request": "1210",
    }
)
