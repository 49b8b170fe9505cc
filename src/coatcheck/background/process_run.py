"""Pictures that are made and stored after the reply, as who asked for them, who is decided on each time."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.configurations import process_task
from coatcheck.configurations.process_task import ProcessTask
from coatcheck.configurations.task import SUCCESS
from coatcheck.core.errors import NO_SUCH_BUCKET, NO_SUCH_KEY
from coatcheck.core.limits import PROCESSES_AT_ONCE, PROCESSES_OF_BUCKET
from coatcheck.operations.commit import repeated
from coatcheck.operations.context import Context, Ports
from coatcheck.operations.encryption import bucket_encryption
from coatcheck.operations.picture import Processed
from coatcheck.operations.picture_saved import may_save, process_shown, save_picture
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DELETE_MARKER, ObjectRecord

from .acting import Identities, act_as, context_of
from .task_runs import Attempt, Kind

KIND: Final = Kind(
    *(process_task.WAITING, process_task.DONE, process_task.to_json, process_task.from_json),
    *(PROCESSES_AT_ONCE, PROCESSES_OF_BUCKET),
)


class ProcessDoer(NamedTuple):
    """See `task_runs.Doer`. A picture that is made again is the same, so an attempt that was cut off leaves nothing."""

    ports: Ports
    identities: Identities

    async def carry_out(self, attempt: Attempt[ProcessTask]) -> str:
        task = attempt.task
        context = context_of(self.ports, await act_as(task.author, self.identities), attempt.now)
        bucket = await self.ports.catalog.find_bucket(attempt.bucket.name)
        if bucket is None or bucket.bucket_id != attempt.bucket.bucket_id:
            raise NO_SUCH_BUCKET(BucketName=attempt.bucket.name)
        target = await may_save(context, bucket, task.target_bucket, task.target_key)
        processed = await _process(context, bucket, task)
        await save_picture(context, target, processed, bucket_encryption(target.this_bucket))
        attempt.task = replace(attempt.task, progress=replace(attempt.task.progress, error=""))
        return SUCCESS

    async def failed(self, attempt: Attempt[ProcessTask]) -> None:
        """Nobody is told; the log says it."""


async def _process(context: Context, bucket: Bucket, task: ProcessTask) -> Processed:
    async def find() -> tuple[Grant, ObjectRecord]:
        found = await context.ports.catalog.find_object(bucket.bucket_id, task.key)
        grant = context.decide(Action.POST_PROCESS_TASK, bucket, task.key, found)
        if found is None or found.kind == DELETE_MARKER:
            raise NO_SUCH_KEY(Key=task.key)
        return grant, found

    async def again(_: tuple[Grant, ObjectRecord]) -> tuple[Grant, ObjectRecord]:
        return await find()

    async def process(found: tuple[Grant, ObjectRecord]) -> Processed:
        return await process_shown(context, *found, task.plan)

    return await repeated(await find(), process, again)
