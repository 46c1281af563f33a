"""Everything that can go wrong with a provider, as frozen values."""

from langchain_switchyard.testing.faulty.faults.combined import (
    EveryNth,
    Flapping,
    Sometimes,
    Together,
)
from langchain_switchyard.testing.faulty.faults.connections import (
    Drip,
    LateFirstToken,
    NeverAnswers,
    ResetBeforeHeaders,
    SlowHeaders,
)
from langchain_switchyard.testing.faulty.faults.fault import Fault, Healthy
from langchain_switchyard.testing.faulty.faults.refusals import (
    Arrearage,
    ContentPolicyViolation,
    ContextLengthExceeded,
    InsufficientQuota,
    InvalidApiKey,
    ModelNotFound,
    Overloaded,
    RateLimited,
    RejectsPrefill,
    ServerError,
    ZhipuError,
)
from langchain_switchyard.testing.faulty.faults.streams import (
    ContentFilterFinish,
    CutAfter,
    ErrorEventInStream,
    HtmlWith200,
    MalformedEvent,
    NoDone,
    NoFinishReason,
    Stall,
    TruncatedJson,
)

__all__ = [
    "Arrearage",
    "ContentFilterFinish",
    "ContentPolicyViolation",
    "ContextLengthExceeded",
    "CutAfter",
    "Drip",
    "ErrorEventInStream",
    "EveryNth",
    "Fault",
    "Flapping",
    "Healthy",
    "HtmlWith200",
    "InsufficientQuota",
    "InvalidApiKey",
    "LateFirstToken",
    "MalformedEvent",
    "ModelNotFound",
    "NeverAnswers",
    "NoDone",
    "NoFinishReason",
    "Overloaded",
    "RateLimited",
    "RejectsPrefill",
    "ResetBeforeHeaders",
    "ServerError",
    "SlowHeaders",
    "Sometimes",
    "Stall",
    "Together",
    "TruncatedJson",
    "ZhipuError",
]
