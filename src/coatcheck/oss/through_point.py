"""What a request through an access point may ask for. Whether it may is decided in `access/decide.py`."""

from __future__ import annotations

from typing import Final

from coatcheck.core.errors import OPERATION_NOT_SUPPORTED

NAME: Final = "x-oss-access-point-name"  # as a header; of a public access block, as a parameter

# Source: OSS, access points, the operations that they are good for. OptionObject, which nobody signs, is one, too.
_THROUGH_A_POINT: Final = frozenset(
    {
        "abort_multipart_upload",
        "append_object",
        "complete_multipart_upload",
        "copy_object",
        "delete_access_point_policy",
        "delete_multiple_objects",
        "delete_object",
        "delete_object_tagging",
        "get_access_point_policy",
        "get_object",
        "get_object_acl",
        "get_object_meta",
        "get_object_tagging",
        "get_symlink",
        "head_object",
        "initiate_multipart_upload",
        "list_multipart_uploads",
        "list_object_versions",
        "list_objects",
        "list_objects_v2",
        "list_parts",
        "post_object",
        "put_access_point_policy",
        "put_object",
        "put_object_acl",
        "put_object_tagging",
        "put_symlink",
        "restore_object",
        "upload_part",
        "upload_part_copy",
    }
)


def check_point(operation: str) -> None:
    """Whether an operation can be asked for through an access point. Raises: OssError OPERATION_NOT_SUPPORTED."""
    if operation not in _THROUGH_A_POINT:
        raise OPERATION_NOT_SUPPORTED(
            "An access point leads to the objects of its bucket; this operation needs the bucket's own name."
        )
