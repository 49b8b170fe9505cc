"""The elements that OSS's documents of buckets and objects may hold. Any other is refused: a slip such as `RefererLst`
would leave open what somebody meant to close, and nobody would see it.

Elements that OSS has and this server doesn't build stand here too; whoever reads a document says what becomes of them.
Source: OSS API reference, the operations that take each document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from .elements import malformed


@dataclass(frozen=True, slots=True)
class Shape:
    """What may stand in an element; `open`: anything."""

    children: Mapping[str, Shape] = field(default_factory=dict)
    open: bool = False

    def check(self, element: Element) -> None:
        """Raises: OssError MALFORMED_XML, which names the element that isn't known."""
        if self.open:
            return
        for child in element:
            shape = self.children.get(child.tag)
            if shape is None:
                raise malformed(f"There is no element {str(child.tag)[:128]} in {element.tag}.")
            shape.check(child)


_TEXT: Final = Shape()
_ANYTHING: Final = Shape(open=True)


def _texts(*names: str, **others: Shape) -> Shape:
    return Shape({**dict.fromkeys(names, _TEXT), **others})


_TAG: Final = _texts("Key", "Value")
_DUE: Final = ("Days", "CreatedBeforeDate")
_STEP: Final = ("StorageClass", "IsAccessTime", "ReturnToStdWhenVisit", "AllowSmallFile")
_MIRROR: Final = (
    *("MirrorAllowGetImageInfo", "MirrorAllowHeadObject", "MirrorAllowVideoSnapshot", "MirrorAsyncStatus"),
    *("MirrorAuth", "MirrorCheckMd5", "MirrorDstRegion", "MirrorDstSlaveVpcId", "MirrorDstVpcId"),
    *("MirrorFollowRedirect", "MirrorHeaders", "MirrorIsExpressTunnel", "MirrorMultiAlternates"),
    *("MirrorPassOriginalSlashes", "MirrorPassQueryString", "MirrorProxyPass", "MirrorReturnHeaders", "MirrorRole"),
    *("MirrorSNI", "MirrorSaveOssMeta", "MirrorSwitchAllErrors", "MirrorTaggings", "MirrorTunnelId", "MirrorURL"),
    *("MirrorURLProbe", "MirrorURLSlave", "MirrorUserLastModified", "MirrorUsingRole"),
    "TransparentMirrorResponseCodes",
)

_RULE: Final = _texts(
    *("AtimeBase", "ID", "Prefix", "Status"),
    Tag=_TAG,
    Filter=_texts("ObjectSizeGreaterThan", "ObjectSizeLessThan", Not=_texts("Prefix", Tag=_TAG)),
    Expiration=_texts(*_DUE, "Date", "ExpiredObjectDeleteMarker"),
    Transition=_texts(*_DUE, *_STEP),
    AbortMultipartUpload=_texts(*_DUE),
    NoncurrentVersionExpiration=_texts("NoncurrentDays"),
    NoncurrentVersionTransition=_texts("NoncurrentDays", *_STEP),
)
_ROUTING_RULE: Final = _texts(
    "RuleNumber",
    Condition=_texts(
        *("KeyPrefixEquals", "KeySuffixEquals", "HttpErrorCodeReturnedEquals"),
        IncludeHeader=_texts("Key", "Equals", "StartsWith", "EndsWith"),
    ),
    Redirect=_texts(
        *("EnableReplacePrefix", "HostName", "HttpRedirectCode", "PassQueryString", "Protocol", "RedirectType"),
        *("ReplaceKeyPrefixWith", "ReplaceKeyWith"),
        **dict.fromkeys(_MIRROR, _ANYTHING),
    ),
    LuaConfig=_texts("Script"),
)
_REFERERS: Final = _texts("Referer")

SHAPES: Final[Mapping[str, Shape]] = {
    "BucketCnameConfiguration": _texts(
        Cname=_texts(
            "Domain",
            CertificateConfiguration=_texts(
                "CertId", "Certificate", "DeleteCertificate", "Force", "PreviousCertId", "PrivateKey"
            ),
        )
    ),
    "CORSConfiguration": _texts(
        "ResponseVary",
        CORSRule=_texts("AllowedHeader", "AllowedMethod", "AllowedOrigin", "ExposeHeader", "MaxAgeSeconds"),
    ),
    "CreateBucketConfiguration": _texts("DataRedundancyType", "StorageClass"),
    "HttpsConfiguration": _texts(
        TLS=_texts("Enable", "TLSVersion"),
        CipherSuite=_texts("CustomCipherSuite", "Enable", "StrongCipherSuite", "TLS13CustomCipherSuite"),
    ),
    "LifecycleConfiguration": _texts(Rule=_RULE),
    "PublicAccessBlockConfiguration": _texts("BlockPublicAccess"),
    "RefererConfiguration": _texts(
        *("AllowEmptyReferer", "AllowTruncateQueryString", "TruncatePath"),
        RefererList=_REFERERS,
        RefererBlacklist=_REFERERS,
    ),
    "RestoreRequest": _texts("Days", JobParameters=_texts("Tier")),
    "ServerSideEncryptionRule": _texts(
        ApplyServerSideEncryptionByDefault=_texts("KMSDataEncryption", "KMSMasterKeyID", "SSEAlgorithm")
    ),
    "Style": _texts("Content"),
    "Tagging": _texts(TagSet=_texts(Tag=_TAG)),
    "VersioningConfiguration": _texts("Status"),
    "WebsiteConfiguration": _texts(
        IndexDocument=_texts("Suffix", "SupportSubDir", "Type"),
        ErrorDocument=_texts("HttpStatus", "Key"),
        RoutingRules=_texts(RoutingRule=_ROUTING_RULE),
    ),
}
