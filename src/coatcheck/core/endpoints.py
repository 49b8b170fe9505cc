"""The host names at which a server answers, made of its regions and domains. Source: OSS endpoint documentation."""

from __future__ import annotations

from collections.abc import Iterable


def endpoint_names(region: str, domain: str) -> tuple[str, str, str]:
    """The public, internal and dual-stack endpoint of a region under a domain."""
    return f"oss-{region}.{domain}", f"oss-{region}-internal.{domain}", f"{region}.oss.{domain}"


def s3_names(regions: Iterable[str], domain: str) -> dict[str, str | None]:
    """The endpoints of a domain in the S3 dialect, each with the region that it stands for; None for none."""
    names: dict[str, str | None] = {f"s3.{domain}": None}
    for region in regions:
        names.update({f"s3.{region}.{domain}": region, f"s3-{region}.{domain}": region})
    return names


def accelerate_names(domain: str) -> tuple[str, str]:
    """The endpoints of a domain that stand for no region."""
    return f"oss-accelerate.{domain}", f"oss-accelerate-overseas.{domain}"
