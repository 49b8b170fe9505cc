"""The files of handlers, for the table of routes: each is loaded when one of its handlers is first called.

What a GET of an object needs is not here; the table imports it. The first process loads the rest once the server
answers, for workers that it forks later (`warming.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever checks types, or looks for a handler, sees the files themselves
    from . import access_monitor as access_monitor
    from . import access_point as access_point
    from . import async_fetch as async_fetch
    from . import bucket as bucket
    from . import bucket_cname as bucket_cname
    from . import bucket_inventory as bucket_inventory
    from . import bucket_lifecycle as bucket_lifecycle
    from . import bucket_logging as bucket_logging
    from . import bucket_policy as bucket_policy
    from . import bucket_qos as bucket_qos
    from . import bucket_replication as bucket_replication
    from . import bucket_stat as bucket_stat
    from . import bucket_tags as bucket_tags
    from . import bucket_versioning as bucket_versioning
    from . import bucket_website as bucket_website
    from . import bucket_worm as bucket_worm
    from . import encryption as encryption
    from . import live_channel as live_channel
    from . import multipart as multipart
    from . import multipart_list as multipart_list
    from . import object_acl as object_acl
    from . import object_append as object_append
    from . import object_copy as object_copy
    from . import object_delete as object_delete
    from . import object_list as object_list
    from . import object_process as object_process
    from . import object_put as object_put
    from . import object_restore as object_restore
    from . import object_tagging as object_tagging
    from . import part as part
    from . import post_object as post_object
    from . import public_access_block as public_access_block
    from . import redundancy_transition as redundancy_transition
    from . import retention as retention
    from . import select_object as select_object
    from . import style as style
    from . import symlink as symlink
else:
    from coatcheck.core.later import LaterModule

    def __getattr__(name: str) -> LaterModule:
        if name.startswith("_"):
            raise AttributeError(name)
        return LaterModule(f"{__package__}.{name}")
