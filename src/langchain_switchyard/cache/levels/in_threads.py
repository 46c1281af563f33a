"""The awaiting half of a level whose client can only block: each operation in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.level import SharedLevel


class InThreads(SharedLevel):
    """Derive from it and write the blocking methods of `SharedLevel`."""

    async def aget(self, key: Key, now: float) -> Entry | None:
        """As `get`."""
        return await asyncio.to_thread(self.get, key, now)

    async def aput(self, key: Key, entry: Entry, now: float) -> None:
        """As `put`."""
        await asyncio.to_thread(self.put, key, entry, now)

    async def adelete(self, key: Key) -> None:
        """As `delete`."""
        await asyncio.to_thread(self.delete, key)

    async def aerase(self, subject: str, tenant: str | None = None) -> int:
        """As `erase`."""
        return await asyncio.to_thread(self.erase, subject, tenant)

    async def anews(self, since: int) -> Sequence[tuple[str, int]] | None:
        """As `news`."""
        return await asyncio.to_thread(self.news, since)

    async def abump(self, scope: str) -> int | None:
        """As `bump`."""
        return await asyncio.to_thread(self.bump, scope)

    async def aremind(self, epochs: Mapping[str, int]) -> bool:
        """As `remind`."""
        return await asyncio.to_thread(self.remind, epochs)

    async def alock(self, key: Key, token: str, seconds: float) -> str | None:
        """As `lock`."""
        return await asyncio.to_thread(self.lock, key, token, seconds)

    async def arenew(self, key: Key, token: str, seconds: float) -> bool | None:
        """As `renew`."""
        return await asyncio.to_thread(self.renew, key, token, seconds)

    async def aunlock(self, key: Key, token: str) -> None:
        """As `unlock`."""
        await asyncio.to_thread(self.unlock, key, token)

    async def apublish(self, key: Key, token: str, entry: Entry, now: float) -> bool | None:
        """As `publish`."""
        return await asyncio.to_thread(self.publish, key, token, entry, now)

    async def atell(
        self, key: Key, token: str, first: int, frames: Sequence[bytes], seconds: float
    ) -> bool:
        """As `tell`."""
        return await asyncio.to_thread(self.tell, key, token, first, frames, seconds)

    async def aheard(self, key: Key, token: str, first: int) -> Sequence[bytes]:
        """As `heard`."""
        return await asyncio.to_thread(self.heard, key, token, first)

    async def aclose(self) -> None:
        """As `close`."""
        await asyncio.to_thread(self.close)
