// The AWS SDK for JavaScript v3, unmodified, on S3's side of the server: everyday calls with its default checksums, its
// uploads in parts, its links and forms, fetched by plain HTTP. Every fact worth checking goes out as one JSON line; the
// expected values are in test_s3_sdks.py. Usage: aws_sdk_s3.js '{"endpoint": …, "bucket": …, "shared": …}', with the keys in
// OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET.
'use strict';

const { Readable } = require('node:stream');
const s3 = require('@aws-sdk/client-s3');
const { Upload } = require('@aws-sdk/lib-storage');
const { createPresignedPost } = require('@aws-sdk/s3-presigned-post');
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner');

const given = JSON.parse(process.argv[2]);
const tell = (name, facts) => console.log(JSON.stringify({ name, ...facts }));
const Bucket = given.bucket;
const MIB = 1024 * 1024;
const large = Buffer.alloc(11 * MIB, 'coat check ');
const called = new Set();

function newClient(options) {
  const client = new s3.S3Client({
    endpoint: given.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: process.env.OSS_ACCESS_KEY_ID, secretAccessKey: process.env.OSS_ACCESS_KEY_SECRET },
    ...options,
  });
  client.middlewareStack.add((next, context) => (args) => {
    called.add(context.commandName.replace('Command', ''));
    return next(args);
  }, { step: 'initialize' });
  return client;
}

const client = newClient();
const call = (name, input) => client.send(new s3[`${name}Command`]({ Bucket, ...input }));
const put = (Key, Body, more) => call('PutObject', { Key, Body, ...more });
const read = async (Key, more) => (await call('GetObject', { Key, ...more })).Body.transformToString();
const refusal = (promise) => promise.then(
  () => 'none',
  (error) => `${error.$metadata ? error.$metadata.httpStatusCode : ''} ${error.name}`,
);

async function buckets() {
  await call('CreateBucket', { CreateBucketConfiguration: { LocationConstraint: 'cn-hangzhou' } });
  const again = await refusal(call('CreateBucket', {}));
  const head = await call('HeadBucket', {});
  const { Buckets, Owner } = await call('ListBuckets', {});
  const { LocationConstraint } = await call('GetBucketLocation', {});
  tell('buckets', {
    again,
    region: head.BucketRegion,
    listed: Buckets.some((bucket) => bucket.Name === Bucket && bucket.CreationDate instanceof Date),
    owner: Boolean(Owner.ID),
    location: LocationConstraint,
    none: await refusal(client.send(new s3.HeadBucketCommand({ Bucket: 'not-there-at-all' }))),
  });
}

async function objects() {
  const stored = await put('dir one/k+1 ü', 'hello', {
    Metadata: { colour: 'green' }, ContentType: 'text/plain', CacheControl: 'no-cache', Tagging: 'a=b&c=d+e',
  });
  tell('put', { etag: stored.ETag, crc32: stored.ChecksumCRC32, type: stored.ChecksumType });
  const got = await call('GetObject', { Key: 'dir one/k+1 ü' });
  tell('get', {
    body: await got.Body.transformToString(), meta: got.Metadata, type: got.ContentType, cache: got.CacheControl,
    tags: got.TagCount, crc32: got.ChecksumCRC32, ranges: got.AcceptRanges, length: got.ContentLength,
  });
  const part = await call('GetObject', { Key: 'dir one/k+1 ü', Range: 'bytes=1-2' });
  tell('range', { body: await part.Body.transformToString(), range: part.ContentRange, status: part.$metadata.httpStatusCode });
  const head = await call('HeadObject', { Key: 'dir one/k+1 ü' });
  tell('head', { length: head.ContentLength, etag: head.ETag, class: head.StorageClass === undefined });
  tell('unchanged', {
    none: await refusal(call('GetObject', { Key: 'dir one/k+1 ü', IfNoneMatch: stored.ETag })),
    other: await refusal(call('GetObject', { Key: 'dir one/k+1 ü', IfMatch: '"0"' })),
  });

  // What is streamed has its checksum behind it, in a trailer of aws-chunked.
  const streamed = await put('streamed', Readable.from([Buffer.from('one|'), Buffer.from('two')]), { ContentLength: 7 });
  const back = await call('GetObject', { Key: 'streamed', ChecksumMode: 'ENABLED' });
  tell('stream', {
    crc32: streamed.ChecksumCRC32, body: await back.Body.transformToString(), same: back.ChecksumCRC32 === streamed.ChecksumCRC32,
    encoding: back.ContentEncoding === undefined,
  });
  const checksums = {};
  for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']) {
    for (const body of ['hello', Readable.from([Buffer.from('hello')])]) {
      const done = await put('sum', body, { ChecksumAlgorithm, ContentLength: 5, ContentEncoding: 'gzip' });
      const kept = await call('HeadObject', { Key: 'sum', ChecksumMode: 'ENABLED' });
      const field = `Checksum${ChecksumAlgorithm}`;
      checksums[ChecksumAlgorithm] = done[field] === kept[field] && kept.ContentEncoding === 'gzip' ? done[field] : 'lost';
    }
  }
  tell('checksums', checksums);
  const own = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: 'k'.repeat(32) };
  await put('own key', 'hello', own);
  tell('own key', {
    body: await read('own key', own), none: await refusal(call('GetObject', { Key: 'own key' })),
    other: await refusal(call('GetObject', { Key: 'own key', ...own, SSECustomerKey: 'o'.repeat(32) })),
  });
}

async function archived() {
  await put('instant', 'x', { StorageClass: 'GLACIER_IR' });
  await put('cold', 'x', { StorageClass: 'DEEP_ARCHIVE' });
  const RestoreRequest = { Days: 1, GlacierJobParameters: { Tier: 'Bulk' } };
  tell('archived', {
    instant: await read('instant'), cold: await refusal(call('GetObject', { Key: 'cold' })),
    restore: (await call('RestoreObject', { Key: 'cold', RestoreRequest })).$metadata.httpStatusCode,
    class: (await call('HeadObject', { Key: 'cold' })).StorageClass,
    plain: await refusal(call('RestoreObject', { Key: 'streamed', RestoreRequest })),
  });
}

async function parts() {
  const upload = new Upload({
    client, params: { Bucket, Key: 'large', Body: Readable.from([large]), Metadata: { a: 'b' } }, partSize: 5 * MIB, tags: [{ Key: 'k', Value: 'v' }],
  });
  const done = await upload.done();
  const back = Buffer.from(await (await call('GetObject', { Key: 'large' })).Body.transformToByteArray());
  const head = await call('HeadObject', { Key: 'large', PartNumber: 2 });
  tell('upload', {
    etag: done.ETag, same: back.equals(large), parts: head.PartsCount, second: head.ContentLength,
    tags: (await call('GetObjectTagging', { Key: 'large' })).TagSet,
  });

  const { UploadId } = await call('CreateMultipartUpload', { Key: 'by hand', ChecksumAlgorithm: 'SHA256', ChecksumType: 'COMPOSITE' });
  const first = await call('UploadPart', { Key: 'by hand', UploadId, PartNumber: 1, Body: large.subarray(0, 5 * MIB), ChecksumAlgorithm: 'SHA256' });
  const second = await call('UploadPartCopy', { Key: 'by hand', UploadId, PartNumber: 2, CopySource: `${Bucket}/large`, CopySourceRange: 'bytes=0-6' });
  const listed = await call('ListParts', { Key: 'by hand', UploadId });
  const open = await call('ListMultipartUploads', {});
  const Parts = [
    { PartNumber: 1, ETag: first.ETag, ChecksumSHA256: first.ChecksumSHA256 },
    { PartNumber: 2, ETag: second.CopyPartResult.ETag, ChecksumSHA256: second.CopyPartResult.ChecksumSHA256 },
  ];
  const wrong = [Parts[0], { ...Parts[1], ETag: Parts[0].ETag }];
  const refused = await refusal(call('CompleteMultipartUpload', { Key: 'by hand', UploadId, MultipartUpload: { Parts: wrong } }));
  const complete = await call('CompleteMultipartUpload', { Key: 'by hand', UploadId, MultipartUpload: { Parts } });
  const attributes = await call('GetObjectAttributes', { Key: 'by hand', ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'ObjectSize'] });
  tell('by hand', {
    listed: listed.Parts.map((part) => [part.PartNumber, part.Size, Boolean(part.ChecksumSHA256)]),
    open: open.Uploads.map((one) => [one.Key, one.UploadId === UploadId]),
    refused, checksum: complete.ChecksumSHA256.endsWith('-2'), location: complete.Location === `${given.endpoint}/${Bucket}/by%20hand`,
    size: attributes.ObjectSize, parts: attributes.ObjectParts.TotalPartsCount, same: attributes.Checksum.ChecksumSHA256 === complete.ChecksumSHA256,
    tail: await read('by hand', { Range: 'bytes=-7' }),
  });
  const aborted = await call('CreateMultipartUpload', { Key: 'aborted' });
  await call('AbortMultipartUpload', { Key: 'aborted', UploadId: aborted.UploadId });
  tell('aborted', {
    uploads: (await call('ListMultipartUploads', {})).Uploads === undefined,
    gone: await refusal(call('ListParts', { Key: 'aborted', UploadId: aborted.UploadId })),
  });
}

async function copies() {
  const CopySource = `${Bucket}/${encodeURIComponent('dir one/k+1 ü')}`;
  const copied = await call('CopyObject', { Key: 'copy & ü', CopySource });
  await call('CopyObject', { Key: 'renamed', CopySource, MetadataDirective: 'REPLACE', Metadata: { colour: 'red' }, TaggingDirective: 'REPLACE', Tagging: 'n=1' });
  tell('copy', {
    etag: copied.CopyObjectResult.ETag,
    meta: (await call('HeadObject', { Key: 'copy & ü' })).Metadata,
    replaced: (await call('HeadObject', { Key: 'renamed' })).Metadata,
    tags: (await call('GetObjectTagging', { Key: 'renamed' })).TagSet,
    itself: await refusal(call('CopyObject', { Key: 'renamed', CopySource: `${Bucket}/renamed` })),
  });
}

async function lists() {
  const keys = [...'abcdefg'].map((letter) => `list/${letter} &<ü+`);
  for (const key of keys) await put(key, '');
  await put('list/dir/one', '');
  const pages = [];
  for await (const page of s3.paginateListObjectsV2({ client, pageSize: 3 }, { Bucket, Prefix: 'list/', Delimiter: '/', FetchOwner: true })) {
    pages.push([...(page.Contents || []).map((object) => object.Key), ...(page.CommonPrefixes || []).map((each) => each.Prefix)]);
  }
  const first = await call('ListObjects', { Prefix: 'list/', MaxKeys: 5, EncodingType: 'url' });
  const next = await call('ListObjects', { Prefix: 'list/', Marker: keys[4] });
  tell('lists', {
    same: JSON.stringify(pages.flat().sort()) === JSON.stringify([...keys, 'list/dir/'].sort()), pages: pages.map((page) => page.length),
    first: first.Contents.length, truncated: first.IsTruncated, encoded: first.Contents[0].Key, next: next.Contents.map((object) => object.Key),
  });
}

async function tags() {
  await call('PutObjectTagging', { Key: 'copy & ü', Tagging: { TagSet: [{ Key: 'ü', Value: 'a +-=._:/@ ü' }] } });
  const { TagSet } = await call('GetObjectTagging', { Key: 'copy & ü' });
  await call('DeleteObjectTagging', { Key: 'copy & ü' });
  const none = (await call('GetObjectTagging', { Key: 'copy & ü' })).TagSet;
  const bare = await refusal(call('GetBucketTagging', {}));
  await call('PutBucketTagging', { Tagging: { TagSet: [{ Key: 'team', Value: 'red' }] } });
  tell('tags', { TagSet, none, bare, bucket: (await call('GetBucketTagging', {})).TagSet });
}

async function conditions() {
  const first = await put('lock', 'mine', { IfNoneMatch: '*' });
  tell('conditions', {
    taken: await refusal(put('lock', 'theirs', { IfNoneMatch: '*' })),
    changed: await refusal(put('lock', 'theirs', { IfMatch: '"00000000000000000000000000000000"' })),
    absent: await refusal(put('no lock', 'theirs', { IfMatch: first.ETag })),
    held: await read('lock'),
    replaced: (await put('lock', 'new', { IfMatch: first.ETag })).$metadata.httpStatusCode,
    kept: await refusal(call('DeleteObject', { Key: 'lock', IfMatch: first.ETag })),
    released: (await call('DeleteObject', { Key: 'lock' })).$metadata.httpStatusCode,
  });
}

async function versions() {
  await call('PutBucketVersioning', { VersioningConfiguration: { Status: 'Enabled' } });
  const first = await put('v', '1');
  await put('v', '2');
  const gone = await call('DeleteObject', { Key: 'v' });
  const listed = await call('ListObjectVersions', { Prefix: 'v', MaxKeys: 2 });
  const rest = await call('ListObjectVersions', { Prefix: 'v', KeyMarker: listed.NextKeyMarker, VersionIdMarker: listed.NextVersionIdMarker });
  tell('versions', {
    status: (await call('GetBucketVersioning', {})).Status,
    marker: gone.DeleteMarker,
    current: await refusal(call('GetObject', { Key: 'v' })),
    refused: await refusal(call('GetObject', { Key: 'v', VersionId: gone.VersionId })),
    pinned: await read('v', { VersionId: first.VersionId }),
    listed: [listed.Versions.length, listed.DeleteMarkers.length, listed.IsTruncated, rest.Versions.length],
    copied: (await call('CopyObject', { Key: 'v', CopySource: `${Bucket}/v?versionId=${first.VersionId}` })).CopySourceVersionId === first.VersionId,
    back: await read('v'),
  });
}

async function links() {
  const Key = 'dir one/k+1 ü';
  const link = (name, input, options) => getSignedUrl(client, new s3[`${name}Command`]({ Bucket, ...input }), { expiresIn: 600, ...options });
  const get = await link('GetObject', { Key, ResponseContentDisposition: 'attachment; filename="a b.txt"' });
  const got = await fetch(get);
  tell('get link', { status: got.status, body: await got.text(), disposition: got.headers.get('content-disposition') });
  tell('head of a get link', { status: (await fetch(get, { method: 'HEAD' })).status });
  tell('head link', { status: (await fetch(await link('HeadObject', { Key }), { method: 'HEAD' })).status });
  const range = await fetch(get, { headers: { Range: 'bytes=0-1' } });
  tell('range of a link', { status: range.status, body: await range.text() });

  // Metadata goes into the URL, and so does the checksum of an empty body.
  const upload = await link('PutObject', { Key: 'by link', Metadata: { colour: 'blue' }, ContentType: 'text/x-link' }, { signableHeaders: new Set(['content-type']) });
  const stored = await fetch(upload, { method: 'PUT', body: 'by link', headers: { 'Content-Type': 'text/x-link' } });
  const head = await call('HeadObject', { Key: 'by link' });
  tell('put link', {
    status: stored.status, hoisted: upload.includes('x-amz-checksum-crc32=') && upload.includes('x-amz-meta-colour='), type: head.ContentType, meta: head.Metadata,
    other: (await fetch(upload, { method: 'PUT', body: 'x', headers: { 'Content-Type': 'text/html' } })).status,
    unsigned: (await fetch(upload, { method: 'PUT', body: 'x', headers: { 'Content-Type': 'text/x-link', 'x-amz-acl': 'public-read' } })).status,
  });
  const once = await link('PutObject', { Key: 'once', IfNoneMatch: '*' }, { unhoistableHeaders: new Set(['if-none-match']) });
  const condition = { method: 'PUT', body: 'x', headers: { 'If-None-Match': '*' } };
  tell('put link once', { first: (await fetch(once, condition)).status, second: (await fetch(once, condition)).status });

  const { UploadId } = await call('CreateMultipartUpload', { Key: 'in parts by links' });
  const part = await fetch(await link('UploadPart', { Key: 'in parts by links', UploadId, PartNumber: 1 }), { method: 'PUT', body: 'part' });
  const Parts = [{ PartNumber: 1, ETag: part.headers.get('etag') }];
  await call('CompleteMultipartUpload', { Key: 'in parts by links', UploadId, MultipartUpload: { Parts } });
  tell('part link', { status: part.status, body: await read('in parts by links') });
  tell('delete link', { status: (await fetch(await link('DeleteObject', { Key: 'by link' }), { method: 'DELETE' })).status });
  const list = await fetch(await link('ListObjectsV2', { Prefix: 'dir one/' }));
  tell('list link', { status: list.status, found: (await list.text()).includes('<Key>dir one/k+1 ü</Key>') });
  const late = await fetch(await link('GetObject', { Key }, { expiresIn: 1, signingDate: new Date(Date.now() - 60_000) }));
  tell('late link', { status: late.status, expired: (await late.text()).includes('Request has expired') });

  const { url, fields } = await createPresignedPost(client, {
    Bucket, Key: 'form/${filename}', Expires: 600, Fields: { acl: 'private', success_action_status: '201' },
    Conditions: [['content-length-range', 1, 10], { acl: 'private' }],
  });
  const post = async (content, more) => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ ...fields, ...more })) form.append(name, value);
    form.append('file', new Blob([content]), 'ü.txt');
    const reply = await fetch(url, { method: 'POST', body: form });
    return `${reply.status} ${((await reply.text()).match(/<(?:Code|Key)>(.*?)</) || [])[1]}`;
  };
  tell('form', {
    stored: await post('hello'), body: await read('form/ü.txt'), large: await post('hello hello'), extra: await post('hello', { 'x-amz-meta-a': 'b' }),
  });
}

async function documents() {
  const rule = { ID: 'old', Status: 'Enabled', Filter: { Prefix: 'tmp/' }, Expiration: { Days: 7 } };
  await call('PutBucketLifecycleConfiguration', { LifecycleConfiguration: { Rules: [rule] } });
  await call('PutBucketCors', { CORSConfiguration: { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'], MaxAgeSeconds: 60 }] } });
  const Statement = [{ Effect: 'Deny', Principal: '*', Action: 's3:DeleteBucket', Resource: `arn:aws:s3:::${Bucket}` }];
  const bare = await refusal(call('GetBucketPolicy', {}));
  await call('PutBucketPolicy', { Policy: JSON.stringify({ Version: '2012-10-17', Statement }) });
  const policy = JSON.parse((await call('GetBucketPolicy', {})).Policy);
  await call('DeleteBucketPolicy', {});
  tell('documents', {
    rules: (await call('GetBucketLifecycleConfiguration', {})).Rules,
    cors: (await call('GetBucketCors', {})).CORSRules,
    bare,
    policy: policy.Statement[0].Action,
    acl: (await call('GetObjectAcl', { Key: 'dir one/k+1 ü' })).Grants.map((grant) => grant.Permission),
    notification: Object.keys(await call('GetBucketNotificationConfiguration', {})),
  });
}

async function errors() {
  const other = (options) => newClient(options).send(new s3.ListObjectsV2Command({ Bucket }));
  tell('errors', {
    key: await refusal(call('GetObject', { Key: 'none' })),
    head: await refusal(call('HeadObject', { Key: 'none' })),
    bucket: await refusal(call('ListObjectsV2', { Bucket: 'not-there-at-all' })),
    range: await refusal(call('GetObject', { Key: 'streamed', Range: 'bytes=99-' })),
    digest: await refusal(put('bad', 'hello', { ChecksumCRC32: 'AAAAAA==' })),
    upload: await refusal(call('AbortMultipartUpload', { Key: 'none', UploadId: 'none' })),
    full: await refusal(call('DeleteBucket', {})),
    named: await refusal(call('CreateBucket', { Bucket: 'Not_A_Name' })),
    secret: await refusal(other({ credentials: { accessKeyId: process.env.OSS_ACCESS_KEY_ID, secretAccessKey: 'wrong' } })),
    id: await refusal(other({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'wrong' } })),
    long: await refusal(put('k'.repeat(1025), '')),
    owner: await refusal(put('streamed', 'x', { ExpectedBucketOwner: '123456789012' })),
  });
}

async function deletes() {
  const some = await call('DeleteObjects', { Delete: { Objects: [{ Key: 'list/a &<ü+' }, { Key: 'nothing' }] } });
  const quiet = await call('DeleteObjects', { Delete: { Quiet: true, Objects: [{ Key: 'list/b &<ü+' }] } });
  let left = 0;
  for (let page = { IsTruncated: true }; page.IsTruncated;) {
    page = await call('ListObjectVersions', { MaxKeys: 10, KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker });
    const Objects = [...(page.Versions || []), ...(page.DeleteMarkers || [])].map(({ Key, VersionId }) => ({ Key, VersionId }));
    const { Deleted } = await call('DeleteObjects', { Delete: { Objects } });
    left += Objects.length - Deleted.length;
  }
  await call('DeleteBucket', {});
  tell('deletes', {
    some: some.Deleted.map((one) => [one.Key, one.DeleteMarker]), quiet: quiet.Deleted === undefined, left, gone: await refusal(call('HeadBucket', {})),
  });
}

// In a bucket of OSS's: what was put there is read, and something is put.
async function shared() {
  const got = await call('GetObject', { Bucket: given.shared, Key: 'dir one/k+1 ü' });
  tell('shared', { body: await got.Body.transformToString(), colour: got.Metadata.colour });
  await put('back', 'from S3', { Bucket: given.shared, Metadata: { colour: 'green' } });
}

async function main() {
  for (const step of [buckets, objects, archived, parts, copies, lists, tags, conditions, versions, links, documents, errors, deletes, shared]) await step();
  tell('called', { operations: called.size });
  console.log(JSON.stringify({ done: true }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
