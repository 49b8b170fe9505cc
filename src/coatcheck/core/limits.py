"""Every number OSS or we impose, with its unit and source. What an operator may change is in `settings/server.py`."""

from __future__ import annotations

from typing import Final

# --- names ---------------------------------------------------------------------------------------------------------
BUCKET_NAME_MIN_CHARS: Final = 3  # OSS: bucket naming
BUCKET_NAME_MAX_CHARS: Final = 63  # OSS: bucket naming
OBJECT_KEY_MAX_BYTES: Final = 1023  # OSS: UTF-8 bytes, not characters
S3_OBJECT_KEY_MAX_BYTES: Final = 1024  # S3: of UTF-8
LIST_PARAMETER_MAX_BYTES: Final = 1023  # OSS: prefix, marker, delimiter, start-after "less than 1024 bytes"

# --- signatures ----------------------------------------------------------------------------------------------------
PRESIGN_V4_MAX_AGE_S: Final = 7 * 24 * 3600  # OSS: a V4 URL lives at most seven days
CLOCK_SKEW_MAX_S: Final = 15 * 60  # OSS: header signatures either way, V4 URLs before their start
SIGNING_KEYS_CACHED: Final = 1024  # ours: (key, day, region) triples whose derived key is remembered
S3_SIGNED_HEADERS_MAX: Final = 100  # ours: names that a signature of S3 may list
S3_CHUNK_LINE_MAX_BYTES: Final = 4096  # ours: a line between the chunks of an aws-chunked body
S3_SIGNED_CHUNK_MAX_BYTES: Final = 16 * 1024**2  # ours: a signed chunk; clients send 64 KiB to 1 MiB
S3_TRAILERS_MAX: Final = 16  # ours: headers behind an aws-chunked body
READINGS_MAX_BYTES: Final = 16 * 1024**2  # ours: what a worker remembers of links that have verified

# --- identities and policies ---------------------------------------------------------------------------------------
POLICY_MAX_BYTES: Final = 6144  # OSS: RAM, a custom policy; also a role's trust policy
SESSION_POLICY_MAX_BYTES: Final = 2048  # OSS: STS, the Policy of AssumeRole
BUCKET_POLICY_MAX_BYTES: Final = 16 * 1024  # OSS: PutBucketPolicy
AWS_POLICY_MAX_BYTES: Final = (
    20 * 1024
)  # S3: PutBucketPolicy; what it becomes in RAM's words is held to the limits above
POLICY_STATEMENTS_MAX: Final = 128  # ours: statements in one policy
POLICY_VALUES_MAX: Final = 256  # ours: values in one place of a policy
CONDITION_TEXT_MAX_CHARS: Final = (
    1024  # ours: what follows in a User-Agent or a listing's prefix isn't compared with a policy
)
SESSION_MIN_S: Final = 900  # OSS: STS, DurationSeconds
SESSION_DEFAULT_S: Final = 3600  # OSS: STS, DurationSeconds when not given
SESSION_MAX_S: Final = 43_200  # OSS: STS, DurationSeconds
STS_FORM_MAX_BYTES: Final = 32 * 1024  # ours: the body of an STS request
NONCE_MAX_CHARS: Final = 128  # ours: SDKs send 18 to 36
NONCE_GRACE_S: Final = 3600  # ours: how long a nonce is kept beyond its request's time, should the clock be set back
NONCES_FORGOTTEN_AT_ONCE: Final = 100  # ours: old nonces removed with each new one
KEY_USE_NOTED_S: Final = 3600  # ours: a key's last use is written down at most this often

# --- objects -------------------------------------------------------------------------------------------------------
PUT_OBJECT_MAX_BYTES: Final = 5 * 1024**3  # OSS: PutObject, PostObject, AppendObject
USER_METADATA_MAX_BYTES: Final = 8 * 1024  # OSS: all x-oss-meta-* names and values together
S3_REDIRECT_MAX_BYTES: Final = 2048  # S3: x-amz-website-redirect-location
S3_CORS_MAX_RULES: Final = 100  # S3: rules in PutBucketCors
S3_CORS_ID_MAX_CHARS: Final = 255  # S3: the ID of a rule
S3_GRANTS_MAX: Final = 100  # S3: grants of one ACL
S3_USER_METADATA_MAX_BYTES: Final = 2 * 1024  # S3: names and values of all x-amz-meta-* together
STORED_HEADER_MAX_CHARS: Final = 8 * 1024  # ours: a longer one, given back, is refused by many clients
GZIP_MIN_BYTES: Final = 1024  # OSS: smaller objects are never compressed on the way
INLINE_MAX_BYTES: Final = 64 * 1024  # ours: bodies up to this live in the catalog row
BILLED_LEAST_BYTES: Final = 64 * 1024  # OSS: what an object in any class but Standard counts for at least
BUCKETS_PER_ACCOUNT: Final = 100  # OSS: per account and region
TRAFFIC_LIMIT_MIN_BITS_PER_S: Final = 819_200  # OSS: x-oss-traffic-limit
TRAFFIC_LIMIT_MAX_BITS_PER_S: Final = 838_860_800  # OSS: x-oss-traffic-limit

# --- parts and tags ------------------------------------------------------------------------------------------------
PARTS_MAX: Final = 10_000  # OSS: part numbers are 1 to this
PART_MIN_BYTES: Final = 100 * 1024  # OSS: every part but the last, looked at when the upload is completed
PART_MAX_BYTES: Final = 5 * 1024**3  # OSS: UploadPart, UploadPartCopy
COMPLETE_MAX_BYTES: Final = 4 * 1024**2  # ours: the body of CompleteMultipartUpload
APPEND_MERGE_MAX_BYTES: Final = 4 * 1024**2  # ours: appended pieces are put together up to this
RESTORE_ARCHIVE_MAX_DAYS: Final = 7  # OSS: RestoreObject of the class Archive
RESTORE_COLD_MAX_DAYS: Final = 365  # OSS: RestoreObject of the cold classes
OBJECT_TAGS_MAX: Final = 10  # OSS: object tagging
TAG_KEY_MAX_BYTES: Final = 128  # OSS: object tagging
TAG_VALUE_MAX_BYTES: Final = 256  # OSS: object tagging
S3_TAG_KEY_MAX_CHARS: Final = 128  # S3: of an object or a bucket
S3_TAG_VALUE_MAX_CHARS: Final = 256  # S3: of an object or a bucket

LINK_GAP_S: Final = 15 * 60  # ours: between two ranges of one download; a silent one is over then
LINK_NEWS_S: Final = 5 * 60  # ours: how often a running download of a limited link is told of at least
LINK_FRAGMENTS_MAX: Final = 128  # ours: pieces that one use of a link may lie in; the next is another use
LINK_USES_OPEN_MAX: Final = 256  # ours: uses of one link that may go on; of more, whole ones are closed
LINK_KEPT_S: Final = 30 * 86_400  # ours: how long the row of a link is kept after its end
LINK_DOWNLOADS_MAX: Final = 1_000_000  # ours: the largest limit of a link
LINK_NETWORKS_MAX: Final = 64  # ours: networks that one link may be limited to
LINK_NOTE_MAX_CHARS: Final = 500  # ours: the note of a link
LINK_RATE_MIN_BITS: Final = 8_192  # ours: the slowest download of a link, bits a second
LINK_RATE_MAX_BITS: Final = 10**12  # ours: the fastest that can be said
LINK_REQUEST_MAX_BYTES: Final = 64 * 1024  # ours: the body of a request to /.coatcheck/v1
LINK_PAGE_MAX: Final = 1000  # ours: links, or rules, of one page
PAGE_FILES_MAX: Final = 500  # ours: files of a folder on one page
PREVIEW_PICTURE_MAX_BYTES: Final = 20 * 1024 * 1024  # ours: of a picture that a page shows small
PREVIEW_TEXT_MAX_BYTES: Final = 64 * 1024  # ours: of a text that a page shows
TICKET_KEYS_MAX: Final = 1000  # ours: objects that a ticket for a list names
TICKET_NAME_MAX_CHARS: Final = 255  # ours: the file name that a ticket gives
TICKET_PASSWORD_MAX_CHARS: Final = 200  # ours
TICKET_TRIES_MAX: Final = 20  # ours: wrong passwords of one ticket from one address (IPv6: its /64) in the window
TICKET_TRIES_WINDOW_S: Final = 15 * 60  # ours
TICKET_UNLOCKED_S: Final = 3600  # ours: how long a right password is remembered
TICKET_GUESSES_MAX: Final = 60  # ours: codes that don't exist, of one address (IPv6: its /64), a minute and a worker
BOX_PIECE_BYTES: Final = 8 * 1024**2  # ours: of an upload in pieces, where that makes at most BOX_PIECES_MAX
BOX_PIECES_MAX: Final = 10_000  # ours
BOX_UNDER_WAY_MAX: Final = 100  # ours: files on their way into one upload box at once
BOX_UPLOAD_IDLE_S: Final = 24 * 3600  # ours: an upload in pieces that gets none for so long is removed
BOX_LEASE_S: Final = 3600  # ours: what an upload keeps free is given back so long after its worker died
BOX_KEPT_S: Final = 7 * 86_400  # ours: what nobody accepts is removed then
BOX_NAME_MAX_BYTES: Final = 200  # ours: of a file's name in its key; longer ones are cut
BOX_ANSWERED_MAX: Final = 100  # ours: files that one request accepts or refuses
PASSWORDS_WAITING_MAX: Final = 8  # ours: passwords that wait in a worker, beside the one that is looked at
LINK_AGENT_MAX_CHARS: Final = 256  # ours: of a client's User-Agent in an audit row; the rest is cut off
LINK_AUDIT_SEGMENT_MAX_BYTES: Final = 16 * 1024**2  # ours: then a process begins another file of audit rows
LINK_AUDIT_SEGMENT_S: Final = 3600  # ours: a file of audit rows that was begun so long ago is completed and indexed
LINK_AUDIT_SEGMENTS_A_PAGE: Final = 64  # ours: files that are read for one page of rows; then the page ends early
LINK_AUDIT_BATCH_BYTES: Final = 4 * 1024**2  # ours: rows that are counted in one transaction
LINK_AUDIT_MAX_BYTES: Final = 64 * 1024**3  # ours: of all rows; then the oldest go, however young they are
LINK_NOTICES_MAX: Final = 100  # ours: addresses of a bucket that are told of its links
LINK_NOTICES_WAITING_MAX: Final = 1000  # ours: notices of a bucket that wait to be sent; more are dropped
LINK_NOTICES_SENT_AT_ONCE: Final = 16  # ours: notices that are on their way at the same time
LINK_NOTICE_EVERY_S: Final = 60  # ours: an address hears of a link once in so long; what happens meanwhile is joined
LINK_NOTICE_RETRY_S: Final = 10  # ours: the pause before the second attempt; twice as long each time
LINK_NOTICE_RETRY_MAX_S: Final = 3600  # ours: the longest pause between two attempts
LINK_NOTICE_KEPT_S: Final = 3 * 86_400  # ours: a notice that could not be sent for so long is given up
LINK_NOTICE_TOLD_KEPT_S: Final = 30 * 86_400  # ours: then it is forgotten that a link's first use was told
LINK_NOTICE_URL_MAX_CHARS: Final = 2048  # ours: the address that is told
LINK_REFUSALS_TOLD: Final = 10  # ours: refusals of a link within an hour that are too often
LINKS_REMEMBERED_MAX: Final = 20_000  # ours: links of which a worker remembers what the register says
LINK_FILTER_BYTES: Final = 4 * 1024**2  # ours: shared memory of all workers that says which links have no row
LINK_RULES_REMEMBERED_MAX: Final = 1000  # ours: of more rules, those that fit are looked up for each link

# --- folders as one file -------------------------------------------------------------------------------------------
ARCHIVE_MEMBERS_MAX: Final = 100_000  # ours: objects of one ZIP
ARCHIVE_MAX_BYTES: Final = 1024**4  # ours: of the objects of one ZIP together
ARCHIVE_TEXTS_MAX_BYTES: Final = (
    32 * 1024**2
)  # ours: what one ZIP holds of keys and names while it is sent; 64 more each
ARCHIVES_HELD_MAX_BYTES: Final = 128 * 1024**2  # ours: what all ZIPs of a process hold; then a ZIP is refused
ARCHIVE_PART_MAX_BYTES: Final = 200  # ours: a file's or a folder's name in a ZIP, in UTF-8; disks take 255
ARCHIVE_SUMS_MAX: Final = 1_000_000  # ours: CRC-32s that are remembered for the next ZIP, the latest

LEASE_S: Final = 60  # ours: how long a gateway that falls silent keeps background work from the others
SWEEP_EVERY_S: Final = 300.0  # ours: how often released blobs that are still there are looked for
SWEEP_AFTER_S: Final = 60.0  # ours: before that, whoever released a blob removes it
BYTES_GRACE_S: Final = (
    24 * 3600.0
)  # ours: how long a released blob stays in an object store; no download may take longer
BYTES_PUT_MAX_BYTES: Final = (
    8 * 1024**2
)  # ours: what goes to an object store in one request; parts of more are as large
BYTES_ON_THE_WAY_MAX: Final = (
    256 * 1024**2
)  # ours: what a worker holds of uploads to an object store; then it answers 503
BYTES_DOUBT_S: Final = 2.0  # ours: when an object store is asked whether it answers at all, and how long it may take
BYTES_STALL_S: Final = 60.0  # ours: how long an object store that answers others may take for one answer, or one piece
SHORTAGE_LOG_S: Final = 10.0  # ours: at most one line in so long says that files or memory ran out
SHORTAGE_RETRY_S: Final = 1  # ours: the Retry-After of requests refused because files or memory ran out
DISK_RESERVE_BYTES: Final = 16 * 1024**2  # ours: what uploads leave free, so that deletes still find room to commit
WRITE_WAIT_S: Final = 5.0  # ours: how long a change waits while another process writes, before it is refused
WRITES_WAITING_MAX: Final = (
    2048  # ours: changes that wait for their turn in one process; each may hold INLINE_MAX_BYTES
)

# --- listing and deleting ------------------------------------------------------------------------------------------
LIST_DEFAULT_KEYS: Final = 100  # OSS: max-keys when not given
LIST_MAX_KEYS: Final = 1000  # OSS: max-keys
MULTI_DELETE_MAX_KEYS: Final = 1000  # OSS: DeleteMultipleObjects

# --- request bodies that are documents -----------------------------------------------------------------------------
MULTI_DELETE_MAX_BYTES: Final = 2 * 1024**2  # OSS: DeleteMultipleObjects
OVERWRITE_MAX_BYTES: Final = 512 * 1024  # ours: room for the hundred rules that OSS allows
LIFECYCLE_MAX_BYTES: Final = 1024**2  # ours: room for the thousand rules that OSS allows
CONFIGURATION_MAX_BYTES: Final = 64 * 1024  # ours: every other XML body
XML_MAX_DEPTH: Final = 16  # ours: no OSS document is nested deeper than eight
ECHO_MAX_CHARS: Final = 8 * 1024  # ours: what an error repeats of one thing that the request said
REQUEST_TARGET_MAX_BYTES: Final = 16 * 1024  # ours: path and query together

# --- connections ---------------------------------------------------------------------------------------------------
HEAD_MAX_BYTES: Final = 64 * 1024  # ours: request line and headers together; trailers too
HEADERS_MAX: Final = 256  # ours: headers of one request; trailers too
FRAMING_MAX_BYTES: Final = 16 * 1024  # ours: what chunk extensions may add to a body
PIPELINED_MAX: Final = 32  # ours: requests of a connection that may wait for their turn; then it isn't read from
PIPELINED_AT_ONCE_MAX: Final = 512  # ours: requests in what one read brings; more are refused
BODY_WAITING_MAX_BYTES: Final = 256 * 1024  # ours: of a body that wasn't taken yet; then the client is slowed down
LINGER_S: Final = 2  # ours: how long a closing connection is still read from, so that its client sees the reply
CONNECTION_QUEUE: Final = 4096  # ours: connections that wait to be accepted; the kernel may allow fewer
ADMIN_CONNECTIONS_MAX: Final = 16  # ours: of each worker, on the port of --admin
HEALTH_PROBE_S: Final = 1.0  # ours: how long what a health check found is believed by all workers
FILES_RESERVED: Final = 384  # ours: open files of a process that aren't for connections
CONNECTIONS_MAX: Final = 65_536  # ours: of one worker, however many files it may open
HANDSHAKES_MAX: Final = 512  # ours: of TLS, begun at once in one worker; each takes some 45 KiB

# --- endpoints and browser rules -----------------------------------------------------------------------------------
CORS_MAX_RULES: Final = 10  # OSS: PutBucketCors
CORS_MAX_BYTES: Final = 16 * 1024  # OSS: PutBucketCors
CORS_ORIGIN_MAX_CHARS: Final = 512  # ours: an Origin that a rule may allow; a host name has 253 at most
CORS_REQUESTED_MAX: Final = 100  # ours: names in Access-Control-Request-Headers
CORS_REQUESTED_MAX_CHARS: Final = 8 * 1024  # ours: the whole of Access-Control-Request-Headers
CORS_MAX_AGE_S: Final = 999_999_999  # OSS: MaxAgeSeconds
REFERER_MAX_RULES: Final = 400  # ours: entries of either list
REFERER_MAX_CHARS: Final = 20 * 1024  # ours: all entries of both lists together
REFERER_COMPARED_MAX_CHARS: Final = 4096  # ours: what follows in a Referer isn't compared
DOMAINS_PER_BUCKET: Final = 100  # OSS: PutCname; tokens too
DOMAIN_TOKEN_LIFE_S: Final = 72 * 3600  # OSS: CreateCnameToken

# --- pictures: what is asked ---------------------------------------------------------------------------------------
PLAN_MAX_BYTES: Final = 4 * 1024  # ours: the decoded text of x-oss-process
PLAN_MAX_ACTIONS: Final = 32  # ours: actions in one text
PLAN_BASE64_MAX_CHARS: Final = 2 * 1024  # ours: one base64 value
WATERMARK_TEXT_MAX_CHARS: Final = 64  # OSS: after decoding
WATERMARK_PICTURES_MAX: Final = 3  # OSS: different watermark pictures in one request
STYLES_PER_BUCKET: Final = 50  # OSS: image styles
STYLE_NAME_MAX_CHARS: Final = 63  # OSS: image styles

# --- pictures: what is processed -----------------------------------------------------------------------------------
PICTURE_MAX_BYTES: Final = 20 * 1024**2  # OSS: the stored object
PICTURE_MAX_SIDE_PX: Final = 30_000  # OSS: every format but the next two
PICTURE_MAX_SIDE_TIFF_PX: Final = 16_384  # OSS: TIFF
PICTURE_MAX_SIDE_AVIF_PX: Final = 10_000  # OSS: AVIF
PICTURE_MAX_PX: Final = 250_000_000  # OSS: width x height x frames
PICTURE_MAX_FRAMES: Final = 1000  # ours: frames of an animation that stays one
PICTURE_MAX_FRAMES_OF_A_STILL: Final = 10_000  # ours: frames of an animation of which the first is taken
PICTURE_PROGRESSIVE_MAX_PX: Final = 50_000_000  # ours: a progressive JPEG is decoded in memory whole
ROTATE_MAX_SIDE_PX: Final = 4096  # OSS: a picture to be rotated
RESULT_MAX_SIDE_PX: Final = 16_384  # OSS: result of resize
RESULT_MAX_PX: Final = 16_777_216  # OSS: result of resize
WEBP_MAX_SIDE_PX: Final = 16_383  # OSS, and the format itself
AVIF_MAX_WIDTH_PX: Final = 4096  # OSS: AVIF result
AVIF_MAX_PX: Final = 9_437_184  # OSS: AVIF result
RESULT_UNUSED_MAX_S: Final = 24 * 3600  # ours: a processed picture that nobody asked for in so long is removed
RENDER_QUEUE_CLIENT_SHARE: Final = 0.5  # ours: of the queue for render processes, what one client may fill,
RENDER_QUEUE_BUCKET_SHARE: Final = 0.75  # and what all the pictures of one bucket may
RESULT_MAX_BYTES: Final = 80 * 1024**2  # ours: what a render process may answer with

# --- SelectObject --------------------------------------------------------------------------------------------------
SELECT_SQL_MAX_BYTES: Final = 16 * 1024  # OSS: the statement
SELECT_COLUMNS_MAX: Final = 1000  # OSS: columns that a statement selects; the index of a column; columns of a header
SELECT_COLUMN_NAME_MAX_BYTES: Final = 1024  # OSS: the name of a column
SELECT_IN_MAX: Final = 1024  # OSS: values of one IN
SELECT_LIKE_WILDCARDS_MAX: Final = 5  # OSS: wildcards of one LIKE
SELECT_LIKE_MAX_CHARS: Final = 1024  # ours: the pattern of one LIKE
SELECT_CONDITIONS_MAX: Final = 20  # OSS: conditions behind WHERE
SELECT_DEPTH_MAX: Final = 10  # OSS: how deep conditions are nested, and the levels of a JSON path
SELECT_OPERATORS_MAX: Final = 100  # ours: + - * / % and || in one statement
SELECT_AGGREGATES_MAX: Final = 100  # OSS: aggregations of one statement
SELECT_ROW_MAX_BYTES: Final = 256 * 1024  # OSS: a row of a CSV object, its header too
SELECT_NODE_MAX_BYTES: Final = 512 * 1024  # OSS: a node of a JSON object
SELECT_ARRAY_MAX: Final = 5000  # OSS: elements of an array that is a node
SELECT_OUTPUT_ROW_MAX_BYTES: Final = 512 * 1024  # ours: a row of the output
SELECT_REQUEST_MAX_BYTES: Final = 64 * 1024  # ours: the document that asks for it
SELECT_SPLIT_BYTES: Final = 4 * 1024**2  # ours: a split is the rows that begin in so many bytes
SELECT_CPU_MAX_S: Final = 120  # ours: what one query may take of a processor
SELECT_OPEN_MAX: Final = 64  # ours: queries of one worker under way, half of them one client's
SELECT_MEMORY_MAX_BYTES: Final = 512 * 1024**2  # ours: address space of the process that carries them out
SELECT_ALIVE_S: Final = 5.0  # OSS: a frame without data is sent after so long without one

# --- streaming -----------------------------------------------------------------------------------------------------
READ_WHOLE_BYTES: Final = 1024**2  # ours: what is left of a body, if it isn't longer than this, is read in pieces of
READ_LARGE_PIECE_BYTES: Final = 512 * 1024  # this: TLS takes 1 MiB in one in almost twice the CPU of two halves;
READ_WHOLE_LENT_BYTES: Final = 16 * 1024**2  # while less than this is in memory for the readers of a process
SLICE_BYTES: Final = 1024**2  # ours: of a file that the kernel sends, what is looked for in memory at once
READ_PIECES: Final = (  # ours: larger ones: (while less than this is in memory for readers, pieces of this)
    (4 * 1024**2, 128 * 1024),
    (6 * 1024**2, 8 * 1024),
    (1 << 62, 4 * 1024),  # so that many stalled readers take little memory
)
BLOB_CHECK_FIRST_MAX_BYTES: Final = 8 * 1024**2  # ours: a blob up to this is checked before its first byte goes out
BLOB_BELIEVED_S: Final = 24 * 3600  # ours: after so long a blob is checked again
BLOBS_BELIEVED_MAX: Final = 65_536  # ours: how many checked blobs a process remembers, some 400 bytes each
BLOBS_OPEN_MAX: Final = 256  # ours: blobs that one process keeps open though nobody reads them
BLOB_OPEN_S: Final = 5.0  # ours: for at most so long; a removed blob then gives its space back
BLOB_CHECKS_WAITING_MAX: Final = 64  # ours: a range of a large blob begins a check while fewer are under way
WRITE_PIECE_BYTES: Final = 128 * 1024  # ours: an upload is hashed and written in pieces of at least this
WRITE_LARGE_PIECE_BYTES: Final = 1024**2  # ours: and in pieces of this while others wait for that
HEAP_KEPT_BYTES: Final = 16 * 1024**2  # ours: freed memory that a process keeps, at most, for the next pieces
WRITE_WAITING_MAX_BYTES: Final = 6 * 1024**2  # ours: a client that is this far ahead of the writing is slowed down
WRITE_WAITING_LEAST_BYTES: Final = 2 * 1024**2  # ours: or this far, where a worker takes in many at once
WRITE_WAITING_ALL_BYTES: Final = 48 * 1024**2  # ours: what they share, as long as each has the least
DRAIN_MAX_BYTES: Final = 8 * 1024**2  # ours: what is read of a refused upload so that its client sees the refusal
DRAIN_SILENCE_S: Final = 1  # ours: how long a refused client may send nothing before the refusal is sent

# --- forms ---------------------------------------------------------------------------------------------------------
FORM_TYPE_MAX_CHARS: Final = 1024  # ours: the Content-Type of a form
FORM_BOUNDARY_MAX_CHARS: Final = 200  # ours: RFC 2046 has 70
FORM_LEAD_MAX_BYTES: Final = 1024  # ours: what stands before the first boundary, and is ignored
FORM_PART_HEADERS_MAX_BYTES: Final = 8 * 1024  # OSS: the name of a field; ours: all headers of a part
FORM_FIELDS_MAX_BYTES: Final = 64 * 1024  # ours, OSS has 2 MiB a value: all values and headers before the file together
FORM_FIELDS_MAX: Final = 256  # ours: fields of a form
FORM_TAIL_MAX_BYTES: Final = 8 * 1024  # ours: fields behind the file; and what follows the last boundary
FORM_FREE_BYTES: Final = 8 * 1024  # ours: the memory that each form may use for its fields without asking
FORMS_MAX_BYTES: Final = 8 * 1024**2  # ours: what all forms of a process may use beyond that; then a form is refused
POST_POLICY_MAX_AGE_S: Final = 7 * 24 * 3600  # OSS: x-oss-date of a form is not older

# --- callbacks -----------------------------------------------------------------------------------------------------
CALLBACK_MAX_BYTES: Final = 5 * 1024  # OSS: callback and callback-var, each, as sent
CALLBACK_POLICY_NAME_MAX_CHARS: Final = 64  # ours: the name of a callback that a bucket keeps
CALLBACK_URLS_MAX: Final = 5  # OSS
CALLBACK_TIMEOUT_S: Final = 5.0  # OSS: from the look-up of the name to the last byte of the reply
CALLBACK_REPLY_MAX_BYTES: Final = 1024**2  # OSS

# --- fetching from other servers -----------------------------------------------------------------------------------
FETCH_URL_MAX_BYTES: Final = 8 * 1024  # ours: Url of an async fetch, MirrorURL
FETCH_ANSWER_S: Final = 10.0  # ours: from the look-up of the name to the head of the answer, for each redirect anew
FETCH_SILENCE_S: Final = 30.0  # ours: between two pieces of the content
FETCH_TIME_MAX_S: Final = 3 * 3600.0  # ours: the content as a whole
FETCH_REDIRECTS_MAX: Final = 10  # OSS: of a mirror
FETCH_ATTEMPTS_MAX: Final = 5  # ours: of a task in the background; what a crash ends is one
FETCHES_AT_ONCE: Final = 8  # ours: async fetches
FETCHES_OF_BUCKET: Final = 4  # ours: of these, those of one bucket
PROCESSES_AT_ONCE: Final = 2  # ours: AsyncProcessObject: pictures made later
PROCESSES_OF_BUCKET: Final = 2  # ours: of these, those of one bucket
TASKS_PER_BUCKET: Final = 1000  # ours: tasks of a kind that aren't done
TASKS_DONE_KEPT: Final = 10_000  # ours: done ones of a bucket that can still be asked for
TASKS_DONE_KEPT_S: Final = 7 * 24 * 3600  # ours: and for how long
MIRRORS_AT_ONCE: Final = 32  # ours: objects that one worker mirrors
MIRRORS_OF_BUCKET: Final = 8  # ours: of these, those of one bucket
MIRROR_WAIT_S: Final = 30.0  # ours: how long a request waits for an object that another one mirrors
MIRROR_CLIENT_S: Final = 10.0  # ours: a client that takes nothing for so long is left; the mirroring goes on
MIRROR_THROUGH_MIN_BYTES: Final = 1024**2  # ours: larger objects are sent while they are mirrored
MIRROR_HOPS_MAX: Final = 8  # ours: mirrors of mirrors
MIRROR_HEADERS_MAX: Final = 10  # OSS: Pass, Remove and Set of one rule, each
MIRROR_ALTERNATES_MAX: Final = 10  # ours: MirrorMultiAlternate of one rule
MIRROR_SHOWN_MAX_BYTES: Final = 64 * 1024  # ours: of an answer that the client is to see as it is

# --- bucket tags and websites --------------------------------------------------------------------------------------
BUCKET_TAGS_MAX: Final = 20  # OSS
S3_BUCKET_TAGS_MAX: Final = 50  # S3
BUCKET_TAG_KEY_MAX_BYTES: Final = 64  # OSS
BUCKET_TAG_VALUE_MAX_BYTES: Final = 128  # OSS
WEBSITE_RULES_MAX: Final = 20  # OSS
WEBSITE_HEADERS_MAX: Final = 10  # OSS: IncludeHeader of one rule

# --- overwriting ---------------------------------------------------------------------------------------------------
OVERWRITE_RULES_MAX: Final = 100  # OSS
OVERWRITE_TEXT_MAX_CHARS: Final = 1023  # OSS: a prefix or a suffix
OVERWRITE_ID_MAX_BYTES: Final = 255  # ours: as of lifecycle rules

# --- logging -------------------------------------------------------------------------------------------------------
LOG_PREFIX_MAX_CHARS: Final = 32  # OSS: TargetPrefix
LOG_FIELD_MAX_CHARS: Final = 256  # ours: the name of a header or a parameter that is to be logged
LOG_FIELDS_MAX: Final = 6  # OSS: headers and parameters together that a bucket may choose
LOG_FIELDS_MAX_BYTES: Final = 1024  # OSS: what a line has of them, names and values; the rest is cut off
LOG_TEXT_MAX_CHARS: Final = 4096  # ours: any other text in a line
LOG_LINES_WAITING_MAX: Final = 20_000  # ours: of a process, of each kind of log; more are counted and dropped
LOG_GATHERED_S: Final = 0.25  # ours: for so long lines are gathered before they are written
LOG_SEGMENT_MAX_BYTES: Final = 64 * 1024**2  # ours: then a process begins another segment
LOG_OBJECT_MAX_BYTES: Final = 1024**3  # ours: a longer hour becomes several objects
LOG_KEPT_S: Final = 7 * 24 * 3600  # ours: an hour that cannot be delivered is dropped then
LOG_KEPT_MAX_BYTES: Final = 4 * 1024**3  # ours: of hours that cannot be delivered; then the oldest are dropped
LOG_ROOM_BYTES: Final = 64 * 1024**2  # ours: that lines leave free on the disk; then they are dropped

# --- inventories ---------------------------------------------------------------------------------------------------
INVENTORIES_PER_BUCKET: Final = 1000  # OSS
INVENTORY_PAGE: Final = 100  # OSS: ListBucketInventory
INVENTORY_ID_MAX_CHARS: Final = 256  # ours
INVENTORY_FILE_MAX_BYTES: Final = 64 * 1024**2  # ours: lines of a data file before they are compressed; then the next

# --- replication ---------------------------------------------------------------------------------------------------
REPLICATION_PREFIXES_MAX: Final = 10  # OSS: prefixes of a rule
REPLICATION_ID_MAX_CHARS: Final = 255  # ours: the ID of a rule

# --- live channels -------------------------------------------------------------------------------------------------
LIVE_CHANNELS_PER_BUCKET: Final = 10_000  # ours
LIVE_CHANNEL_NAME_MAX_BYTES: Final = 64  # OSS
LIVE_CHANNEL_DESCRIPTION_MAX_BYTES: Final = 128  # OSS
LIVE_FRAGMENTS_MAX: Final = 100  # OSS: FragDuration in seconds, FragCount; ours: Interval of a Snapshot in seconds
VOD_SPAN_MAX_S: Final = 24 * 3600  # OSS: from startTime to endTime of a VOD playlist
LIVE_PLAYLIST_MIN_BYTES: Final = 6  # OSS
LIVE_PLAYLIST_MAX_BYTES: Final = 128  # OSS

# --- access points -------------------------------------------------------------------------------------------------
ACCESS_POINTS_PER_BUCKET: Final = 100  # OSS; also the largest page of ListAccessPoints of a bucket
ACCESS_POINTS_PER_ACCOUNT: Final = 1000  # OSS: of one region
ACCESS_POINT_NAME_MIN_CHARS: Final = 3  # OSS
ACCESS_POINT_NAME_MAX_CHARS: Final = 19  # OSS
VPC_ID_MAX_CHARS: Final = 64  # ours: the id of a network

# --- quality of service ------------------------------------------------------------------------------------------
QOS_MAX: Final = 1_000_000  # ours: a bandwidth in Gbit/s, or requests a second
QPS_BURST_S: Final = 1.0  # ours: requests of so long may come at once
GIGABYTE: Final = 1024**3  # OSS: bytes of a GB, as StorageCapacity counts them
STORAGE_CAPACITY_MAX_GB: Final = 10**9  # ours: StorageCapacity
STORAGE_QUOTA_MAX_BYTES: Final = 2**62  # ours: StorageQuota
METERS_MAX: Final = 4096  # ours: buckets, and limits of buckets, of which a process remembers how much went through

# --- write once, read many -----------------------------------------------------------------------------------------
WORM_MAX_DAYS: Final = 25_550  # OSS: RetentionPeriodInDays, 70 years
WORM_IN_PROGRESS_S: Final = 24 * 3600  # OSS: a policy that is not locked by then vanishes
RETENTION_MAX_DAYS: Final = 36_500  # OSS: Days of a DefaultRetention; ours: how far ahead a retention may end
RETENTION_MAX_YEARS: Final = 100  # OSS: Years of a DefaultRetention
CLOCK_GAP_MAX_S: Final = 24 * 3600  # ours: a start believes a clock that is so far past the newest commit at most
CLOCKS_APART_MAX_S: Final = 300  # ours: a start refuses a clock that is further from that of the database
CLOCK_NOTED_S: Final = 60  # ours: a commit notes the time when the last note is older

# --- hints and refusals --------------------------------------------------------------------------------------------
HINT_ATTEMPTS_MAX: Final = 40  # ours: readings of a request that are tried for its hint
HINT_CPU_MAX_S: Final = 0.0015  # ours: CPU of that; the reading that passes it is the last
HINT_TARGET_MAX_BYTES: Final = 4096  # ours: path and query of a request for which any is tried
HINT_PARAMETERS_MAX: Final = 32  # ours: parameters of such a request
HINT_HEADERS_MAX_BYTES: Final = 4096  # ours: its Content-Type, Content-MD5 and x-oss-* headers, together
HINTS_PER_S: Final = 20  # ours: of a worker; of an address (IPv6: its /64) one
REFUSALS_KEPT: Final = 10_000  # ours: the latest, for `coatcheck explain REQUEST_ID`
REFUSAL_ROOM_BYTES: Final = 1024  # ours: of the disk for each of them; what is longer is cut off

# --- lifecycle -----------------------------------------------------------------------------------------------------
LIFECYCLE_RULES_MAX: Final = 1000  # OSS
LIFECYCLE_ID_MAX_BYTES: Final = 255  # OSS
LIFECYCLE_KEPT_VERSIONS_MAX: Final = 100  # S3: NewerNoncurrentVersions
ACCESS_KEEP_EVERY_S: Final = 20.0  # ours: how often times of last access are made durable
ACCESSES_NOTED_MAX: Final = 20_000  # ours: reads that wait for that in a process; further ones aren't noted
ACCESSES_REMEMBERED_MAX: Final = 20_000  # ours: keys of which a process knows that today's read is durable
S3_TRANSITION_MIN_BYTES: Final = 128 * 1024  # S3: what x-amz-transition-default-minimum-object-size is about
SMALL_FILE_BYTES: Final = 64 * 1024  # OSS: smaller objects keep their class if AllowSmallFile is false

# --- test controls -------------------------------------------------------------------------------------------------
TEST_RECORDS_MAX: Final = 10_000  # ours: requests that a test can ask about, the latest
TEST_DOCUMENT_MAX_BYTES: Final = 1024**2  # ours: what a control takes
TEST_TOKEN_MIN_CHARS: Final = 16  # ours: shorter ones are guessed
