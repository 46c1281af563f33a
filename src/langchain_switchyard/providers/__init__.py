"""Presets for providers, the offline model, and the HTTP clients they share.

```python
from langchain_switchyard.providers import local, openai, qwen

ChatSwitchyard(deployments=[qwen("qwen-plus"), openai("gpt-4.1-mini", tier=1), local(tier=2)])
```
"""

from langchain_switchyard.providers.anthropic import anthropic
from langchain_switchyard.providers.azure import azure
from langchain_switchyard.providers.catalog import deployment, preset, preset_names
from langchain_switchyard.providers.compatible import openai_compatible
from langchain_switchyard.providers.deepseek import deepseek
from langchain_switchyard.providers.embeddings import (
    EmbeddingOptions,
    EmbeddingPreset,
    dashscope_embeddings,
    openai_embeddings,
)
from langchain_switchyard.providers.health import Health, ahealth_check, health_check
from langchain_switchyard.providers.http import HttpClients
from langchain_switchyard.providers.local import LocalChatModel, local
from langchain_switchyard.providers.minimax import minimax
from langchain_switchyard.providers.models import alist_models, list_models
from langchain_switchyard.providers.moonshot import moonshot
from langchain_switchyard.providers.ollama import ollama
from langchain_switchyard.providers.openai import openai
from langchain_switchyard.providers.openai_like import OpenAILike
from langchain_switchyard.providers.preset import Options, Preset
from langchain_switchyard.providers.qianfan import qianfan
from langchain_switchyard.providers.qwen import qwen
from langchain_switchyard.providers.registry import register_provider
from langchain_switchyard.providers.tongyi import tongyi
from langchain_switchyard.providers.tuning import HttpTuning
from langchain_switchyard.providers.volcengine import volcengine
from langchain_switchyard.providers.zhipu import zhipu

__all__ = [
    "EmbeddingOptions",
    "EmbeddingPreset",
    "Health",
    "HttpClients",
    "HttpTuning",
    "LocalChatModel",
    "OpenAILike",
    "Options",
    "Preset",
    "ahealth_check",
    "alist_models",
    "anthropic",
    "azure",
    "dashscope_embeddings",
    "deepseek",
    "deployment",
    "health_check",
    "list_models",
    "local",
    "minimax",
    "moonshot",
    "ollama",
    "openai",
    "openai_compatible",
    "openai_embeddings",
    "preset",
    "preset_names",
    "qianfan",
    "qwen",
    "register_provider",
    "tongyi",
    "volcengine",
    "zhipu",
]
