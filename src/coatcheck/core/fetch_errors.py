"""Rows of the error table: what the server fetches from others, at once or later."""

from __future__ import annotations

from .fault import Fault

MIRROR_FAILED = Fault("MirrorFailed", 424, "Mirroring failed, please check your mirror configuration.")
MIRROR_BUSY = Fault("ServiceUnavailable", 503, "This object is being mirrored, or too many are. Try again later.")
OBJECT_ALREADY_EXISTS = Fault("ObjectAlreadyExists", 400, "The object you specified already exists.")
NO_SUCH_FETCH_TASK = Fault("NoSuchAsyncFetchTask", 404, "The specified async fetch task does not exist.")
TOO_MANY_TASKS = Fault("ServiceUnavailable", 503, "The bucket has 1000 tasks that are not done yet. Try again later.")
