"""TLS contexts of own domains that have certificates of their own, chosen by the name that a client asks for (SNI).

The certificate is looked for at each handshake, so that a new one counts from the next handshake on in every worker.
"""

from __future__ import annotations

import logging
import ssl
from collections import OrderedDict
from typing import Final

from ..ports.domains import DomainCertificate, Domains
from .certificates import make_pem_context

_MOST: Final = 256  # contexts kept; each takes some 20 KiB

log: Final = logging.getLogger("coatcheck")


class DomainContexts:
    """Of one worker.

    Args:
        oldest: version of TLS, "1.2" or "1.3".
    """

    def __init__(self, domains: Domains, oldest: str) -> None:
        self._domains = domains
        self._oldest = oldest
        self._made: OrderedDict[str, tuple[DomainCertificate, ssl.SSLContext]] = OrderedDict()

    def find(self, name: str) -> ssl.SSLContext | None:
        """The context for a host name in lower case; None for one without a certificate of its own, and for one whose
        certificate can't be used: the log says so, and the server's own certificate serves."""
        try:
            certificate = self._domains.look_for_certificate(name)
            return None if certificate is None else self._context_of(name, certificate)
        except Exception as error:  # nothing of it may reach OpenSSL, and nothing of the key the log
            log.error("the certificate of %s cannot be used: %s", name, type(error).__name__)
            return None

    def _context_of(self, name: str, certificate: DomainCertificate) -> ssl.SSLContext:
        kept = self._made.get(name)
        if kept is None or kept[0] != certificate:
            kept = self._made[name] = certificate, make_pem_context(certificate.chain, certificate.key, self._oldest)
            if len(self._made) > _MOST:
                self._made.popitem(last=False)
        self._made.move_to_end(name)
        return kept[1]
