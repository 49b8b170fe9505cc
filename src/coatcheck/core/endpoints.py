"""The host names at which a server answers, made of its regions and domains. Source: OSS endpoint documentation."""

from __future__ import annotations


def endpoint_names(region: str, domain: str) -> tuple[str, str, str]:
    """The public, internal and dual-stack endpoint of a region under a domain."""
    return f"oss-{region}.{domain}", f"oss-{region}-internal.{domain}", f"{region}.oss.{domain}"


def accelerate_names(domain: str) -> tuple[str, str]:
    """The endpoints of a domain that stand for no region."""
    return f"oss-accelerate.{domain}", f"oss-accelerate-overseas.{domain}"
