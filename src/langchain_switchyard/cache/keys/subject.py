"""Names of subjects and tenants as digests: levels find their entries, and know nobody's name."""

from __future__ import annotations

import functools
import hashlib


def subject_mark(subject: str) -> bytes:
    """16 bytes that stand for a subject."""
    return hashlib.blake2b(subject.encode(), digest_size=16, person=b"swyd-subject").digest()


@functools.lru_cache(maxsize=4096)
def tenant_mark(tenant: str | None) -> str:
    """16 hexadecimal digits that stand for a tenant, or for nobody."""
    form = b"" if tenant is None else b"t" + tenant.encode()
    return hashlib.blake2b(form, digest_size=8, person=b"swyd-tenant").hexdigest()


def is_theirs(mark: str, tenant: str | None) -> bool:
    """Whether what carries this mark goes when a tenant's part of a subject is erased.

    Args:
        mark: `tenant_mark` of whom it was stored for; empty: it does not say, and goes in any case.
        tenant: Whose part is erased; None: everybody's.
    """
    return tenant is None or mark in ("", tenant_mark(tenant))
