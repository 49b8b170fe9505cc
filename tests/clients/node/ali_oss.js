// OSS's own Node package against a coatcheck server. Every fact worth checking goes out as one JSON line; the expected
// values are in test_ali_oss.py. Usage: node ali_oss.js '{"endpoint": ..., "port": ..., "bucket": ...}'
'use strict';

const dns = require('node:dns');
const http = require('node:http');
const OSS = require('ali-oss');

const given = JSON.parse(process.argv[2]);
const tell = (name, facts) => console.log(JSON.stringify({ name, ...facts }));

// What a resolver does for *.localhost on most machines (RFC 6761); the names lead to the loopback address everywhere.
const agent = new http.Agent({
  keepAlive: false,
  lookup: (host, options, done) =>
    host.endsWith('localhost')
      ? done(null, options.all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4)
      : dns.lookup(host, options, done),
});

function open(options) {
  return new OSS({
    accessKeyId: process.env.OSS_ACCESS_KEY_ID,
    accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
    region: 'oss-cn-hangzhou',
    authorizationV4: true,
    bucket: given.bucket,
    agent,
    retryMax: 0,
    ...options,
  });
}

function fetch(url, method = 'GET', headers = {}, body = undefined) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent }, (reply) => {
      const pieces = [];
      reply.on('data', (piece) => pieces.push(piece));
      reply.on('end', () => resolve({ status: reply.statusCode, body: Buffer.concat(pieces).toString() }));
      reply.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function objects(store) {
  const name = 'node/ü 1+2 & %20.txt';
  const put = await store.put(name, Buffer.from('hello'), { mime: 'text/x-hello', meta: { colour: 'green' } });
  tell('put', { status: put.res.status });
  const got = await store.get(name);
  tell('get', { body: got.content.toString(), type: got.res.headers['content-type'] });
  const head = await store.head(name);
  tell('head', { status: head.status, meta: head.meta, length: head.res.headers['content-length'] });
  const meta = await store.getObjectMeta(name);
  tell('getObjectMeta', { status: meta.status, length: meta.res.headers['content-length'] });
  const stream = await store.getStream(name);
  let streamed = '';
  for await (const piece of stream.stream) streamed += piece;
  tell('getStream', { body: streamed });
  await store.put('node/second', Buffer.from('2'));
  await store.put('node/third', Buffer.from('3'));
  const first = await store.listV2({ prefix: 'node/', 'max-keys': 2 });
  const rest = await store.listV2({
    prefix: 'node/', 'max-keys': 2, 'continuation-token': first.nextContinuationToken,
  });
  tell('listV2', { names: [...first.objects, ...rest.objects].map((found) => found.name) });
  const listed = await store.list({ prefix: 'node/', 'max-keys': 100 });
  tell('list', { names: listed.objects.map((found) => found.name), truncated: listed.isTruncated });
  await store.putACL('node/second', 'public-read');
  tell('acl', { acl: (await store.getACL('node/second')).acl, open: await fetch(await publicUrl(store, 'node/second')) });
  tell('delete', { status: (await store.delete(name)).res.status });
  const many = await store.deleteMulti(['node/second', 'node/third', 'node/none']);
  tell('deleteMulti', { deleted: many.deleted.map((found) => found.Key || found).sort() });
  tell('gone', { code: await codeOf(() => store.get('node/second')), head: await codeOf(() => store.head('node/second')) });
}

async function publicUrl(store, name) {
  return `${given.endpoint}/${store.options.bucket}/${name}`;
}

// As OSS's sample for Node signs a link.
async function links(store) {
  const name = 'dir/ü 1+2 & %20.txt';
  await store.put(name, Buffer.from('by link'));
  const v4 = await store.signatureUrlV4('GET', 3600, { headers: {} }, name);
  tell('signatureUrlV4', { url: v4, ...(await fetch(v4)) });
  const upload = await store.signatureUrlV4('PUT', 3600, { headers: { 'Content-Type': 'text/x-put' } }, 'node-put');
  tell('signatureUrlV4 PUT', await fetch(upload, 'PUT', { 'Content-Type': 'text/x-put' }, 'put by link'));
  const bound = await store.signatureUrlV4('GET', 3600, { headers: {}, queries: { 'response-content-type': 'a/b' } }, name);
  tell('signatureUrlV4 response-*', await fetch(bound));
  if (/^https?:\/\/\d/.test(given.options.endpoint)) return; // its V1 signer refuses an address as the endpoint
  const v1 = store.signatureUrl(name, { expires: 3600 });
  tell('signatureUrl', { url: v1, ...(await fetch(v1)) });
  const named = store.signatureUrl(name, { response: { 'content-disposition': 'attachment; filename="x y.txt"' } });
  tell('signatureUrl response', await fetch(named));
}

async function buckets(store) {
  const bucket = `${given.bucket}-node`;
  tell('putBucket', { status: (await store.putBucket(bucket)).res.status });
  const listed = await store.listBuckets({ prefix: bucket });
  tell('listBuckets', { names: listed.buckets.map((found) => found.name) });
  const info = (await store.getBucketInfo(bucket)).bucket;
  tell('getBucketInfo', { Name: info.Name, Location: info.Location, acl: info.AccessControlList.Grant });
  tell('getBucketLocation', { location: (await store.getBucketLocation(bucket)).location });
  await store.putBucketACL(bucket, 'public-read');
  tell('getBucketACL', { acl: (await store.getBucketACL(bucket)).acl });
  tell('deleteBucket', { status: (await store.deleteBucket(bucket)).res.status });
  tell('no bucket', { code: await codeOf(() => store.getBucketInfo(bucket)) });
}

async function codeOf(call) {
  try {
    await call();
    return 'none';
  } catch (error) {
    return error.code;
  }
}

async function main() {
  const store = open(given.options);
  await objects(store);
  if (given.links) await links(store);
  if (given.buckets) await buckets(store);
  const thief = open({ ...given.options, accessKeySecret: 'not the secret' });
  tell('wrong secret', { code: await codeOf(() => thief.get('node/second')) });
  console.log(JSON.stringify({ done: true }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
