// One session with every method of ali-oss's client, each with arguments that make sense. Facts in as one JSON argument;
// out come {"name": "methods", "names": [...]}, what a look at the class finds, and {"name": METHOD, "answer": "works" or
// the code of the refusal} for each call.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Readable } = require('node:stream');
const OSS = require('ali-oss');

const given = JSON.parse(process.argv[2]);
const found = new Map();

function open(bucket, more = {}) {
  return new OSS({
    accessKeyId: process.env.OSS_ACCESS_KEY_ID,
    accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
    region: 'oss-cn-hangzhou',
    endpoint: given.endpoint,
    sldEnable: true,
    authorizationV4: true,
    retryMax: 0,
    bucket,
    ...more,
  });
}

function methods() {
  const names = new Set();
  for (let each = OSS.prototype; each !== Object.prototype; each = Object.getPrototypeOf(each)) {
    Object.getOwnPropertyNames(each)
      .filter((name) => typeof each[name] === 'function' && !name.startsWith('_') && name !== 'constructor')
      .forEach((name) => names.add(name));
  }
  return [...names].sort();
}

const main = open(given.bucket);
const named = open(given.bucket, { endpoint: 'http://oss-cn-hangzhou.aliyuncs.com', sldEnable: false }); // for links

/** Call a method, of the main client unless another is meant; the result, or undefined where it failed. */
async function call(method, words = [], on = main) {
  try {
    const result = await on[method](...words);
    if (!found.has(method)) found.set(method, 'works');
    return result;
  } catch (error) {
    if ((found.get(method) || 'works') === 'works') found.set(method, error.code || `${error.name}: ${error.message}`);
    return undefined;
  }
}

async function buckets() {
  await call('putBucket', [given.bucket]);
  await open().putBucket(given.other);
  for (const method of ['getBucketInfo', 'getBucketLocation', 'getBucketStat']) await call(method, [given.bucket]);
  await call('listBuckets', [{}]);
  await call('useBucket', [given.bucket]);
  await call('setBucket', [given.bucket]);
  await call('getBucket', []);
  await call('setSLDEnabled', [true]);
  await call('putBucketACL', [given.bucket, 'private']);
  await call('getBucketACL', [given.bucket]);
}

async function objects(folder) {
  const file = path.join(folder, 'file');
  fs.writeFileSync(file, 'from a file');
  await call('put', ['a.csv', Buffer.from('a,b\n1,2\n')]);
  await main.put('a.png', Buffer.from(given.picture, 'base64'));
  await call('putStream', ['stream', Readable.from([Buffer.from('hello')]), { contentLength: 5 }]);
  for (const method of ['get', 'head', 'getObjectMeta', 'getACL', 'getObjectTagging']) await call(method, ['a.csv']);
  const streamed = await call('getStream', ['a.csv']);
  streamed.stream.resume();
  await call('putACL', ['a.csv', 'private']);
  await call('putObjectTagging', ['a.csv', { k: 'v' }]);
  await call('deleteObjectTagging', ['a.csv']);
  await call('putMeta', ['a.csv', { k: 'v' }]);
  await call('copy', ['copy', 'a.csv']);
  await call('putSymlink', ['link', 'a.csv']);
  await call('getSymlink', ['link']);
  await call('append', ['log', Buffer.from('one')]);
  await call('processObjectSave', ['a.png', 'out.png', 'image/resize,w_10']);
  await main.put('old', Buffer.from('x'), { headers: { 'x-oss-storage-class': 'ColdArchive' } });
  await call('restore', ['old', { type: 'ColdArchive' }]);
  for (const method of ['list', 'listV2']) await call(method, [{}]);
  await call('getBucketVersions', [{}]);
  await call('listObjectVersions', [{}]);
  return file;
}

async function uploads(file) {
  const begun = await call('initMultipartUpload', ['parts']);
  fs.writeFileSync(file, Buffer.alloc(110_000));
  const part = await call('uploadPart', ['parts', begun.uploadId, 1, file, 0, 110_000]);
  await call('uploadPartCopy', ['parts', begun.uploadId, 2, '0-7', { sourceKey: 'a.csv', sourceBucketName: given.bucket }]);
  await call('listParts', ['parts', begun.uploadId]);
  await call('listUploads', [{}]);
  await call('completeMultipartUpload', ['parts', begun.uploadId, [{ number: 1, etag: part.etag }]]);
  const again = await main.initMultipartUpload('parts');
  await call('abortMultipartUpload', ['parts', again.uploadId]);
  await call('multipartUpload', ['large', file, { partSize: 102_400 }]);
  const source = { sourceKey: 'large', sourceBucketName: given.bucket };
  await call('multipartUploadCopy', ['large 2', source, { partSize: 102_400 }]);
  await call('isCancel', []);
  await call('cancel', []);
  await call('resetCancelFlag', []);
}

async function configurations() {
  const { bucket, other } = given;
  const inventory = {
    id: 'i',
    isEnabled: false,
    OSSBucketDestination: {
      format: 'CSV', accountId: given.account, rolename: 'r', bucket: other, prefix: 'lists/',
    },
    frequency: 'Daily',
    includedObjectVersions: 'All',
  };
  const each = {
    BucketCORS: [[{ allowedOrigin: '*', allowedMethod: 'GET' }]],
    BucketEncryption: [{ SSEAlgorithm: 'AES256' }],
    BucketLifecycle: [[{ id: 'r', prefix: 'old/', status: 'Enabled', expiration: { days: 9 } }]],
    BucketLogging: ['log-'],
    BucketWebsite: [{ index: 'index.html' }],
    BucketTags: [{ k: 'v' }],
    BucketPolicy: [given.policy],
    BucketReferer: [true, []],
  };
  for (const [name, words] of Object.entries(each)) {
    await call(`put${name}`, [bucket, ...words]);
    await call(`get${name}`, [bucket]);
    await call(`delete${name}`, [bucket]);
  }
  await call('putBucketRequestPayment', [bucket, 'BucketOwner']);
  await call('getBucketRequestPayment', [bucket]);
  await call('putBucketInventory', [bucket, inventory]);
  await call('getBucketInventory', [bucket, 'i']);
  await call('listBucketInventory', [bucket]);
  await call('deleteBucketInventory', [bucket, 'i']);
  await call('putBucketVersioning', [bucket, 'Suspended']);
  await call('getBucketVersioning', [bucket]);
  await call('initiateBucketWorm', [other, '1']);
  const { wormId } = await call('getBucketWorm', [other]);
  await call('abortBucketWorm', [other]);
  const locked = await main.initiateBucketWorm(other, '1');
  await call('completeBucketWorm', [other, locked.wormId || wormId]);
  await call('extendBucketWorm', [other, locked.wormId || wormId, '2']);
}

async function channels() {
  const configuration = { Description: '', Status: 'enabled', Target: { Type: 'HLS', FragDuration: 5, FragCount: 3, PlaylistName: 'a.m3u8' } };
  await call('putChannel', ['live', configuration]);
  for (const method of ['getChannel', 'getChannelHistory', 'getChannelStatus']) await call(method, ['live']);
  await call('putChannelStatus', ['live', 'disabled']);
  await call('listChannels', [{}]);
  await call('createVod', ['live', 'vod.m3u8', { startTime: 1772690000, endTime: 1772694000 }]);
  await call('getRtmpUrl', ['live']);
  await call('deleteChannel', ['live']);
}

async function others() {
  const { taskId } = await call('postAsyncFetch', ['fetched', 'http://www.example.com/a']);
  await call('getAsyncFetch', [taskId]);
  await call('signatureUrl', ['a.csv'], named);
  await call('asyncSignatureUrl', ['a.csv'], named);
  await call('signatureUrlV4', ['GET', 60, {}, 'a.csv'], main);
  await call('getObjectUrl', ['a.csv'], named);
  await call('generateObjectUrl', ['a.csv'], named);
  const policy = { expiration: '2036-01-01T00:00:00Z', conditions: [{ bucket: given.bucket }] };
  await call('calculatePostSignature', [policy]);
  await call('signPostObjectPolicyV4', [policy, new Date()]);
  await call('request', [{ object: 'a.csv', bucket: given.bucket, method: 'GET', successStatuses: [200] }]);
}

async function ends() {
  await call('delete', ['copy']);
  await call('deleteMulti', [['link', 'stream']]);
  await open().putBucket(given.empty);
  await call('deleteBucket', [given.empty]);
}

async function run() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'session-'));
  try {
    await buckets();
    await uploads(await objects(folder));
    await configurations();
    await channels();
    await others();
    await ends();
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  console.log(JSON.stringify({ name: 'methods', names: methods() }));
  for (const [name, answer] of found) console.log(JSON.stringify({ name, answer }));
  console.log(JSON.stringify({ done: true }));
}

run().catch((error) => {
  console.error(error.stack, JSON.stringify([...found]));
  process.exit(1);
});
