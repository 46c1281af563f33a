"""Presets: addresses, names, secrets, error tables."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import pytest

from langchain_switchyard import providers
from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.providers import (
    HttpClients,
    anthropic,
    azure,
    deployment,
    local,
    ollama,
    openai,
    openai_compatible,
    openai_embeddings,
    preset,
    tongyi,
)
from langchain_switchyard.providers.catalog import ALIASES, BUILT_IN, GROUP
from langchain_switchyard.providers.preset import Preset
from langchain_switchyard.routing.deployment import Price, Traits
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable, classify

SECRET = "sk-very-secret"

ON_OPENAI_SDK = {
    "qwen": ("TONGYI", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
    "openai": ("OPENAI", "https://api.openai.com/v1"),
    "zhipu": ("ZHIPUAI", "https://open.bigmodel.cn/api/paas/v4"),
    "deepseek": ("DEEPSEEK", "https://api.deepseek.com/v1"),
    "moonshot": ("MOONSHOT", "https://api.moonshot.cn/v1"),
    "minimax": ("MINIMAX", "https://api.minimaxi.com/v1"),
    "qianfan": ("QIANFAN", "https://qianfan.baidubce.com/v2"),
    "volcengine": ("ARK", "https://ark.cn-beijing.volces.com/api/v3"),
}


@pytest.mark.parametrize(("name", "expected"), ON_OPENAI_SDK.items())
def test_a_key_in_the_environment_is_enough(name: str, expected: tuple[str, str]) -> None:
    """Address, retries, usage and clients are the preset's business."""
    prefix, url = expected
    made = preset(name)(env={f"{prefix}_API_KEY": SECRET, f"{prefix}_MODEL": "m-1"})
    model: Any = made.model
    assert (made.provider, made.model_name) == (name, "m-1")
    assert model.openai_api_base == url
    assert model.openai_api_key.get_secret_value() == SECRET
    assert model.stream_usage is True
    assert model.root_client.max_retries == model.root_async_client.max_retries == 0


@pytest.mark.parametrize(("name", "expected"), ON_OPENAI_SDK.items())
def test_arguments_win_over_the_environment(name: str, expected: tuple[str, str]) -> None:
    """And the environment over defaults."""
    prefix, _ = expected
    env = {
        f"{prefix}_API_KEY": "other",
        f"{prefix}_BASE_URL": "http://env/v1",
        f"{prefix}_MODEL": "env",
        f"{prefix}_TEMPERATURE": "0.1",
        f"{prefix}_MAX_TOKENS": "10",
    }
    model: Any = preset(name)(env=env).model
    assert (model.openai_api_base, model.temperature) == ("http://env/v1", 0.1)
    model = preset(name)(
        "given", api_key=SECRET, base_url="http://arg/v1", temperature=0.9, max_tokens=7, env=env
    ).model
    assert (model.openai_api_base, model.model_name) == ("http://arg/v1", "given")
    assert (model.temperature, model.max_tokens) == (0.9, 7)
    assert model.openai_api_key.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        *((name, f"{prefix}_API_KEY") for name, (prefix, _) in ON_OPENAI_SDK.items()),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("azure", "AZURE_OPENAI_API_KEY"),
        ("tongyi", "TONGYI_API_KEY"),
    ],
)
def test_a_missing_key_is_asked_for_by_its_variable(name: str, variable: str) -> None:
    """The reader knows what to do next."""
    if name == "tongyi":
        pytest.importorskip("langchain_community")
        pytest.importorskip("dashscope")
    with pytest.raises(ConfigurationError, match=variable):
        preset(name)("m", base_url="http://x", env={})


def test_a_missing_model_is_asked_for_where_there_is_no_default() -> None:
    """Ollama has what somebody pulled; Ark has endpoints."""
    with pytest.raises(ConfigurationError, match="OLLAMA_MODEL"):
        providers.ollama(env={})
    with pytest.raises(ConfigurationError, match="ARK_MODEL"):
        providers.volcengine(env={"ARK_API_KEY": "k"})


@pytest.mark.parametrize("name", [*ON_OPENAI_SDK, "anthropic", "azure", "ollama"])
def test_the_secret_shows_nowhere(name: str) -> None:
    """Not in the deployment's repr, its model's, or its serialised form."""
    made = preset(name)("m", api_key=SECRET, base_url="http://127.0.0.1:1", env={})
    shown = f"{made!r} {made.model!r} {made.model!s} {made.model._identifying_params}"
    assert SECRET not in shown


def test_placement_passes_through() -> None:
    """Everything a deployment can be told."""
    price = Price(input=1, output=2)
    made = providers.qwen(
        api_key="k", env={}, id="cheap", tier=2, weight=3.0, price=price, extra={"top_p": 0.3}
    )
    assert (made.id, made.tier, made.weight, made.price) == ("cheap", 2, 3.0, price)
    assert made.model.top_p == 0.3
    assert made.traits.errors is not ErrorTable()
    traits = Traits(provider="mine")
    assert providers.qwen(api_key="k", env={}, traits=traits).provider == "mine"


def test_presets_with_one_owner_share_clients() -> None:
    """Two models at one address use one pool."""
    with HttpClients() as clients:
        one: Any = providers.qwen("a", api_key="k", env={}, clients=clients).model
        two: Any = providers.qwen("b", api_key="k", env={}, clients=clients).model
        assert one.root_client._client._transport is two.root_client._client._transport
        other: Any = providers.deepseek("b", api_key="k", env={}, clients=clients).model
        assert other.root_client._client is not one.root_client._client


def test_foreign_openai_variables_do_not_leak_into_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy or address meant for OpenAI must not redirect Qwen."""
    monkeypatch.setenv("OPENAI_API_BASE", "http://elsewhere/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere/v1")
    monkeypatch.setenv("OPENAI_PROXY", "http://proxy:1")
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    model: Any = providers.qwen(api_key=SECRET, env={}).model
    assert str(model.root_client.base_url).startswith("https://dashscope.aliyuncs.com/")
    assert model.root_client.api_key == SECRET


def test_any_other_endpoint_needs_a_name_and_an_address() -> None:
    """A local server has no keys."""
    made = openai_compatible("my-vllm", "http://gpu:8000/v1", "qwen3", env={})
    assert (made.provider, made.model_name) == ("my-vllm", "qwen3")
    keyed: Any = openai_compatible("my-vllm", "http://gpu/v1", "q", env={"MY_VLLM_API_KEY": "s"})
    assert keyed.model.openai_api_key.get_secret_value() == "s"


# --- Finding presets ---


@pytest.mark.parametrize("name", [*BUILT_IN, *ALIASES, " Qwen "])
def test_every_name_finds_a_preset(name: str) -> None:
    """Case and blanks aside."""
    assert isinstance(preset(name), Preset)


def test_a_deployment_by_name() -> None:
    """For configuration files."""
    made = deployment("dashscope", "qwen-max", api_key="k", env={}, tier=1)
    assert (made.provider, made.model_name, made.tier) == ("qwen", "qwen-max", 1)


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A typing mistake is found at once."""
    with pytest.raises(ConfigurationError, match=r"qwne.*known are.*qwen"):
        preset("qwne")


class _Entry:
    """An installed package's entry point."""

    def __init__(self, name: str, thing: object) -> None:
        """Keep what would be loaded."""
        self.name = name
        self._thing = thing

    def load(self) -> object:
        """Load it."""
        return self._thing


def test_an_installed_package_adds_a_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """By an entry point; nothing is registered while running."""
    entries = {GROUP: [_Entry("acme", providers.qwen), _Entry("broken", object())]}
    monkeypatch.setattr(
        "langchain_switchyard.providers.catalog.entry_points", lambda group: entries[group]
    )
    assert preset("acme") is providers.qwen
    assert providers.preset_names()[-2:] == ["acme", "broken"]
    with pytest.raises(ConfigurationError, match="no preset"):
        preset("broken")


def test_importing_the_presets_loads_no_sdk() -> None:
    """A user of one provider does not pay for the others."""
    code = (
        "import sys, langchain_switchyard.providers, langchain_switchyard.config;"
        "heavy = {'openai', 'anthropic', 'ollama', 'dashscope', 'langchain_openai',"
        " 'langchain_community', 'langgraph', 'jieba', 'chromadb', 'torch'} & set(sys.modules);"
        "print(*sorted(heavy), end='')"
    )
    done = subprocess.run(  # noqa: S603 - our own words.
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


# --- Error tables ---


class Refused(Exception):
    """A provider's refusal with a body, as the SDKs make them."""

    def __init__(self, status: int, code: str = "", message: str = "", **body: Any) -> None:
        """Keep status and body."""
        super().__init__(message)
        self.status_code = status
        self.body = {"code": code, "message": message, **body}


@pytest.mark.parametrize(
    ("name", "error", "kind"),
    [
        ("qwen", Refused(429, "insufficient_quota", "You exceeded your current quota"), "rate"),
        ("qwen", Refused(429, "Throttling.AllocationQuota", "Allocated quota exceeded"), "rate"),
        (
            "qwen",
            Refused(429, "Throttling.AllocationQuota", "Free allocated quota exceeded."),
            "quota",
        ),
        ("qwen", Refused(429, "limit_requests"), "rate"),
        ("qwen", Refused(403, "AllocationQuota.FreeTierOnly"), "quota"),
        ("qwen", Refused(400, "Arrearage"), "quota"),
        ("qwen", Refused(400, "data_inspection_failed"), "content"),
        ("qwen", Refused(400, "DataInspectionFailed"), "content"),
        ("qwen", Refused(403, "AccessDenied.Unpurchased"), "auth"),
        (
            "qwen",
            Refused(400, "invalid_parameter_error", "Range of input length should be [1, 129024]"),
            "context",
        ),
        ("qwen", Refused(400, "invalid_parameter_error", "bad top_p"), "bad"),
        ("qwen", Refused(500, "InternalError.Algo"), "server"),
        ("qwen", Refused(500, "InternalError.Timeout"), "timeout"),
        ("qwen", Refused(429, "Throttling.ServiceOverloaded"), "overloaded"),
        ("zhipu", Refused(429, "1113", "您的账户已欠费"), "quota"),
        ("zhipu", Refused(429, "1302"), "rate"),
        ("zhipu", Refused(429, "1305"), "rate"),
        ("zhipu", Refused(429, "1308"), "quota"),
        ("zhipu", Refused(429, "1312"), "overloaded"),
        ("zhipu", Refused(400, "1261"), "context"),
        ("zhipu", Refused(400, "1301"), "content"),
        ("zhipu", Refused(400, "1211"), "auth"),
        ("zhipu", Refused(400, "1214"), "bad"),
        ("deepseek", Refused(402, "invalid_request_error", "Insufficient Balance"), "quota"),
        ("deepseek", Refused(400, "invalid_request_error", "Content Exists Risk"), "content"),
        ("deepseek", Refused(503), "overloaded"),
        ("moonshot", Refused(429, "", type="exceeded_current_quota_error"), "quota"),
        ("moonshot", Refused(429, "", type="rate_limit_reached_error"), "rate"),
        ("moonshot", Refused(429, "", type="engine_overloaded_error"), "overloaded"),
        (
            "moonshot",
            Refused(400, "", "Your request exceeded model token limit: 262144"),
            "context",
        ),
        ("minimax", Refused(200, base_resp={"status_code": 1008}), "quota"),
        ("minimax", Refused(200, base_resp={"status_code": 1039}), "rate"),
        ("minimax", Refused(200, base_resp={"status_code": 1027}), "content"),
        ("qianfan", Refused(429, "rpm_rate_limit_exceeded"), "rate"),
        ("qianfan", Refused(200, error_code=336103), "context"),
        ("volcengine", Refused(403, "AccountOverdueError"), "quota"),
        ("volcengine", Refused(429, "RateLimitExceeded.EndpointRPMExceeded"), "rate"),
        ("volcengine", Refused(429, "ServerOverloaded"), "overloaded"),
        ("volcengine", Refused(400, "InputTextSensitiveContentDetected"), "content"),
        ("openai", Refused(429, "insufficient_quota"), "quota"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.body)[:40],
)
def test_each_providers_codes_read_as_its_documentation_says(
    name: str, error: Refused, kind: str
) -> None:
    """Quota before rate limit, and no code of one provider read as another's."""
    kinds = {
        "rate": Kind.RATE_LIMITED,
        "quota": Kind.QUOTA_EXHAUSTED,
        "content": Kind.CONTENT_FILTERED,
        "context": Kind.CONTEXT_LENGTH,
        "auth": Kind.AUTH,
        "bad": Kind.BAD_REQUEST,
        "server": Kind.SERVER_ERROR,
        "timeout": Kind.TIMEOUT,
        "overloaded": Kind.OVERLOADED,
    }
    table = preset(name).errors  # type: ignore[attr-defined]  # All of these have one.
    assert classify(error, table, wall=0.0).kind is kinds[kind]


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("qwen", "langchain_switchyard.providers.compatible_chat", "openai"),
        ("openai", "langchain_openai", "openai"),
        ("azure", "langchain_openai", "openai"),
        ("anthropic", "langchain_anthropic", "anthropic"),
        ("ollama", "langchain_ollama", "ollama"),
        ("tongyi", "dashscope", "tongyi"),
    ],
)
def test_a_missing_package_names_its_extra(
    name: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is the instruction."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"langchain-switchyard\[{extra}\]"):
        preset(name)("m", api_key="k", base_url="http://127.0.0.1:1", env={})


def test_azure_reads_its_own_names() -> None:
    """Endpoint and deployment are what Azure calls them."""
    env = {
        "AZURE_OPENAI_API_KEY": "k",
        "AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com",
        "AZURE_OPENAI_DEPLOYMENT": "gpt",
        "AZURE_OPENAI_API_VERSION": "2030-01-01",
    }
    assert providers.azure.is_configured(env)
    assert not providers.azure.is_configured({**env, "AZURE_OPENAI_DEPLOYMENT": ""})
    model: Any = providers.azure(env=env).model
    assert model.openai_api_version == "2030-01-01"
    assert "mine.openai.azure.com/openai/deployments/gpt" in str(model.root_client.base_url)


@pytest.mark.parametrize(
    ("preset", "wrong", "meant"),
    [
        (openai, "temprature", "temperature"),
        (openai, "max_token", "max_tokens"),
        (anthropic, "api_keys", "api_key"),
        (azure, "endpoint", "base_url"),
        (ollama, "num_predict", "max_tokens"),
        (tongyi, "modelid", None),
        (local, "foo", None),
        (partial(openai_compatible, "n", "http://127.0.0.1:9/v1"), "wieght", "weight"),
        (openai_embeddings, "dimension", "dimensions"),
    ],
)
def test_an_unknown_argument_is_refused_by_its_name_and_the_nearest_known_one(
    preset: Any, wrong: str, meant: str | None
) -> None:
    """Silently dropped, it would do nothing, and nobody would know."""
    with pytest.raises(ConfigurationError) as caught:
        preset("m" if preset is not local else None, **{wrong: 1})

    told = str(caught.value)
    assert repr(wrong) in told
    assert f"extra={{'{wrong}': ...}}" in told
    assert ("did you mean" in told) == (meant is not None)
    assert meant is None or f"did you mean '{meant}'?" in told
