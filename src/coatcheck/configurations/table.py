"""A row for each document of a bucket: from the rows come its routes, its limit, and what is said where it is missing.

To add one: a file here, a row below, its actions in `access/actions.py`, and its rows in docs/compatibility.md and
docs/permissions.md. Documents with a form of their own (policy, styles, versioning) have files here and handlers in the
dialect, and no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.access.actions import Action
from coatcheck.core.errors import (
    NO_SUCH_CALLBACK_POLICY,
    NO_SUCH_CORS_CONFIGURATION,
    NO_SUCH_ENCRYPTION_RULE,
    NO_SUCH_LIFECYCLE,
    NO_SUCH_LOG_FIELDS,
    NO_SUCH_OBJECT_WORM,
    NO_SUCH_OVERWRITE_CONFIG,
    NO_SUCH_QUOTA,
    NO_SUCH_TRANSFER_ACCELERATION,
    NO_SUCH_WEBSITE,
    Fault,
)
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES, CORS_MAX_BYTES, LIFECYCLE_MAX_BYTES, OVERWRITE_MAX_BYTES
from coatcheck.core.xml import Node

from . import (
    access_monitor,
    archive_direct_read,
    bucket_logging,
    callback_policy,
    cors,
    encryption,
    https,
    lifecycle,
    log_fields,
    object_worm,
    overwrite,
    public_access_block,
    qos,
    referer,
    request_payment,
    resource_group,
    storage_capacity,
    storage_quota,
    tags,
    transfer_acceleration,
    website,
)
from .elements import Shape


class Document(Protocol):
    """A file of this package: a value in its forms. `NAME` is what it is stored under."""

    @property
    def NAME(self) -> str: ...
    @property
    def ROOT(self) -> str: ...
    @property
    def SHAPE(self) -> Shape: ...

    def read(self, document: Element, /) -> Any:
        """Raises: OssError, for a document that can't be taken."""

    def write(self, value: Any, /) -> Sequence[Node]: ...

    def to_json(self, value: Any, /) -> str: ...

    def from_json(self, text: str, /) -> Any: ...


class Row(Struct, frozen=True):
    """One document.

    Attributes:
        operation: what follows put_, get_ and delete_ in the operations' names.
        delete: None where OSS has no such operation.
        missing: what GET says where nothing is stored: a fault, or a value.
        limit_bytes: of a document that is put.
    """

    document: Document
    operation: str
    sub_resource: str
    put: Action
    get: Action
    delete: Action | None
    missing: Fault | object
    limit_bytes: int = CONFIGURATION_MAX_BYTES


ROWS: Final = (
    Row(
        cors,
        "bucket_cors",
        "cors",
        Action.PUT_BUCKET_CORS,
        Action.GET_BUCKET_CORS,
        Action.DELETE_BUCKET_CORS,
        NO_SUCH_CORS_CONFIGURATION,
        CORS_MAX_BYTES,
    ),
    Row(
        referer,
        "bucket_referer",
        "referer",
        Action.PUT_BUCKET_REFERER,
        Action.GET_BUCKET_REFERER,
        None,
        referer.RefererRules(),
    ),
    Row(
        https,
        "bucket_https_config",
        "httpsConfig",
        Action.PUT_BUCKET_HTTPS_CONFIG,
        Action.GET_BUCKET_HTTPS_CONFIG,
        None,
        https.HttpsConfig(),
    ),
    Row(
        lifecycle,
        "bucket_lifecycle",
        "lifecycle",
        Action.PUT_BUCKET_LIFECYCLE,
        Action.GET_BUCKET_LIFECYCLE,
        Action.DELETE_BUCKET_LIFECYCLE,
        NO_SUCH_LIFECYCLE,
        LIFECYCLE_MAX_BYTES,
    ),
    Row(
        website,
        "bucket_website",
        "website",
        Action.PUT_BUCKET_WEBSITE,
        Action.GET_BUCKET_WEBSITE,
        Action.DELETE_BUCKET_WEBSITE,
        NO_SUCH_WEBSITE,
    ),
    Row(
        encryption,
        "bucket_encryption",
        "encryption",
        Action.PUT_BUCKET_ENCRYPTION,
        Action.GET_BUCKET_ENCRYPTION,
        Action.DELETE_BUCKET_ENCRYPTION,
        NO_SUCH_ENCRYPTION_RULE,
    ),
    Row(
        tags,
        "bucket_tags",
        "tagging",
        Action.PUT_BUCKET_TAGGING,
        Action.GET_BUCKET_TAGGING,
        Action.DELETE_BUCKET_TAGGING,
        tags.BucketTags(),
    ),
    Row(
        public_access_block,
        "bucket_public_access_block",
        "publicAccessBlock",
        Action.PUT_BUCKET_PUBLIC_ACCESS_BLOCK,
        Action.GET_BUCKET_PUBLIC_ACCESS_BLOCK,
        Action.DELETE_BUCKET_PUBLIC_ACCESS_BLOCK,
        public_access_block.PublicAccessBlock(),
    ),
    Row(
        request_payment,
        "bucket_request_payment",
        "requestPayment",
        Action.PUT_BUCKET_REQUEST_PAYMENT,
        Action.GET_BUCKET_REQUEST_PAYMENT,
        None,
        request_payment.RequestPayment(),
    ),
    Row(
        transfer_acceleration,
        "bucket_transfer_acceleration",
        "transferAcceleration",
        Action.PUT_BUCKET_TRANSFER_ACCELERATION,
        Action.GET_BUCKET_TRANSFER_ACCELERATION,
        Action.DELETE_BUCKET_TRANSFER_ACCELERATION,
        NO_SUCH_TRANSFER_ACCELERATION,
    ),
    Row(
        overwrite,
        "bucket_overwrite_config",
        "overwriteConfig",
        Action.PUT_BUCKET_OVERWRITE_CONFIG,
        Action.GET_BUCKET_OVERWRITE_CONFIG,
        Action.DELETE_BUCKET_OVERWRITE_CONFIG,
        NO_SUCH_OVERWRITE_CONFIG,
        OVERWRITE_MAX_BYTES,
    ),
    Row(
        resource_group,
        "bucket_resource_group",
        "resourceGroup",
        Action.PUT_BUCKET_RESOURCE_GROUP,
        Action.GET_BUCKET_RESOURCE_GROUP,
        None,
        resource_group.ResourceGroup(),
    ),
    Row(
        access_monitor,
        "bucket_access_monitor",
        "accessmonitor",
        Action.PUT_BUCKET_ACCESS_MONITOR,
        Action.GET_BUCKET_ACCESS_MONITOR,
        None,
        access_monitor.AccessMonitor(),
    ),
    Row(
        archive_direct_read,
        "bucket_archive_direct_read",
        "bucketArchiveDirectRead",
        Action.PUT_BUCKET_ARCHIVE_DIRECT_READ,
        Action.GET_BUCKET_ARCHIVE_DIRECT_READ,
        None,
        archive_direct_read.ArchiveDirectRead(),
    ),
    Row(
        callback_policy,
        "bucket_callback_policy",
        "comp=callback&policy",
        Action.PUT_BUCKET_CALLBACK_POLICY,
        Action.GET_BUCKET_CALLBACK_POLICY,
        Action.DELETE_BUCKET_CALLBACK_POLICY,
        NO_SUCH_CALLBACK_POLICY,
    ),
    Row(
        bucket_logging,
        "bucket_logging",
        "logging",
        Action.PUT_BUCKET_LOGGING,
        Action.GET_BUCKET_LOGGING,
        Action.DELETE_BUCKET_LOGGING,
        bucket_logging.Logging(),
    ),
    Row(
        log_fields,
        "user_defined_log_fields_config",
        "userDefinedLogFieldsConfig",
        Action.PUT_USER_DEFINED_LOG_FIELDS_CONFIG,
        Action.GET_USER_DEFINED_LOG_FIELDS_CONFIG,
        Action.DELETE_USER_DEFINED_LOG_FIELDS_CONFIG,
        NO_SUCH_LOG_FIELDS,
    ),
    Row(
        qos,
        "bucket_qos_info",
        "qosInfo",
        Action.PUT_BUCKET_QOS_INFO,
        Action.GET_BUCKET_QOS_INFO,
        Action.DELETE_BUCKET_QOS_INFO,
        qos.Qos(),
    ),
    Row(
        storage_capacity,
        "bucket_storage_capacity",
        "qos",
        Action.PUT_BUCKET_STORAGE_CAPACITY,
        Action.GET_BUCKET_STORAGE_CAPACITY,
        None,
        storage_capacity.StorageCapacity(),
    ),
    Row(
        storage_quota,
        "bucket_storage_quota",
        "quota",
        Action.PUT_BUCKET_STORAGE_QUOTA,
        Action.GET_BUCKET_STORAGE_QUOTA,
        Action.DELETE_BUCKET_STORAGE_QUOTA,
        NO_SUCH_QUOTA,
    ),
    Row(
        object_worm,
        "bucket_object_worm_configuration",
        "objectWorm",
        Action.PUT_BUCKET_OBJECT_WORM_CONFIGURATION,
        Action.GET_BUCKET_OBJECT_WORM_CONFIGURATION,
        None,
        NO_SUCH_OBJECT_WORM,
    ),
)
