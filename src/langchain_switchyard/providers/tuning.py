"""How the shared HTTP clients behave; plain data."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_switchyard.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class HttpTuning:
    """Numbers for connection pools. All times are seconds."""

    max_connections: int = 256
    """Sockets per base URL and event loop; more requests wait, at most `pool_timeout`."""

    keepalive_expiry: float = 50.0
    """How long an idle socket is kept. The SDKs' 5 s reconnects (TCP + TLS) in any pause; most
    providers' front ends close at 60 s or later, and a socket closed by them is noticed."""

    connect_timeout: float = 5.0
    """Upper bound for connecting, whatever a call asks for."""

    pool_timeout: float = 2.0
    """How long a request waits for a free socket. That is our own congestion: soon elsewhere."""

    drain: float = 0.05
    """How long the end of a finished stream is waited for, so that its socket can be reused."""

    lane: int = 32
    """Sockets per connection pool: pools scan all their sockets at each start and end of a request,
    and cost 10 times more CPU per call at 64 in flight than at 32 (httpcore 1.0.9)."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        for name in ("max_connections", "keepalive_expiry", "connect_timeout", "pool_timeout"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.lane < 1:
            raise ConfigurationError(f"lane must be 1 or more, got {self.lane}")
        if self.drain < 0:
            raise ConfigurationError(f"drain must be 0 or more, got {self.drain}")
