"""Who asks, as the pipeline finds it out: the claim, what has to be known of it, and the verdict."""

from __future__ import annotations

from coatcheck.engines.local_reads import LocalReads
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_domains import MemoryDomains
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.identity.caller import Caller
from coatcheck.identity.identify import ask_for_key, identify
from coatcheck.signing.claim import read_claim
from coatcheck.signing.verify import check_scope
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target


def reads_of(keyring: MemoryKeyring) -> LocalReads:
    """Reads of a store that has keys and nothing else."""
    catalog = MemoryCatalog()
    return LocalReads(catalog, keyring, MemoryDomains(catalog))


async def who_asks(
    request: Request, target: Target, keyring: MemoryKeyring, *, now: float, region: str
) -> tuple[Caller, Target]:
    claim = read_claim(request)
    if claim is not None:
        check_scope(claim, regions=(region,), target=target)
    snapshot = await reads_of(keyring).read(ask_for_key(claim, keyring))
    caller, target, _ = identify(request, claim, target, snapshot, keyring, now=now, regions=(region,))
    return caller, target
