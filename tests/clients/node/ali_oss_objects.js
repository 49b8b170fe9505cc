// OSS's own Node package over parts, copies, appends, links, tags and versions. Every fact worth checking goes out as
// one JSON line; the expected values are in test_ali_oss_objects.py. Usage: as ali_oss.js.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const OSS = require('ali-oss');

const given = JSON.parse(process.argv[2]);
const tell = (name, facts) => console.log(JSON.stringify({ name, ...facts }));
const content = Buffer.alloc(500 * 1024 + 7, 'coat check ');

async function multipart(store, folder) {
  const file = path.join(folder, 'content.bin');
  fs.writeFileSync(file, content);
  const done = await store.multipartUpload('multi/ü', file, {
    partSize: 100 * 1024,
    parallel: 3,
    mime: 'text/x-multi',
    meta: { colour: 'green' },
  });
  tell('multipartUpload', { status: done.res.status, etag: done.etag });
  const got = await store.get('multi/ü');
  tell('get', { same: got.content.equals(content), type: got.res.headers['content-type'] });

  // Broken off after three parts, then resumed from the last checkpoint.
  let checkpoint;
  let parts = 0;
  try {
    await store.multipartUpload('resumed', file, {
      partSize: 100 * 1024,
      parallel: 1,
      progress: (_, point) => {
        checkpoint = point || checkpoint;
        parts += 1;
        if (parts > 3) throw new Error('unplugged');
      },
    });
    tell('broken', { error: 'none' });
  } catch (error) {
    tell('broken', { error: error.message });
  }
  const listed = await store.listParts('resumed', checkpoint.uploadId);
  tell('listParts', { parts: listed.parts.length >= 3 });
  const resumed = await store.multipartUpload('resumed', file, { checkpoint, parallel: 2 });
  tell('resumed', { status: resumed.res.status, same: (await store.get('resumed')).content.equals(content) });

  const begun = await store.initMultipartUpload('aborted');
  const uploads = await store.listUploads({ prefix: 'aborted' });
  tell('listUploads', { ids: uploads.uploads.length, same: uploads.uploads[0].uploadId === begun.uploadId });
  await store.abortMultipartUpload('aborted', begun.uploadId);
  tell('aborted', { left: (await store.listUploads({ prefix: 'aborted' })).uploads.length });

  await store.multipartUploadCopy('parts copy', { sourceKey: 'multi/ü', sourceBucketName: given.bucket }, {
    partSize: 200 * 1024,
  });
  tell('multipartUploadCopy', { same: (await store.get('parts copy')).content.equals(content) });
}

async function others(store) {
  await store.put('a', Buffer.from('hello'), { headers: { 'x-oss-tagging': 'k=v' } });
  const copied = await store.copy('dir/copy ü', 'a');
  tell('copy', { status: copied.res.status, etag: copied.data.etag });
  await store.putMeta('dir/copy ü', { colour: 'red' });
  tell('putMeta', { meta: (await store.head('dir/copy ü')).meta });
  const first = await store.append('log', Buffer.from('one'));
  const second = await store.append('log', Buffer.from('two'), { position: first.nextAppendPosition });
  tell('append', { next: second.nextAppendPosition });
  await store.putSymlink('link', 'dir/copy ü');
  const link = await store.getSymlink('link');
  tell('symlink', { target: link.targetName, body: (await store.get('link')).content.toString() });
  tell('tagging', { tag: (await store.getObjectTagging('a')).tag });
  await store.putObjectTagging('a', { other: 'tag' });
  const replaced = (await store.getObjectTagging('a')).tag;
  await store.deleteObjectTagging('a');
  tell('tags', { replaced, none: (await store.getObjectTagging('a')).tag });
  await store.put('cold', Buffer.from('brr'), { headers: { 'x-oss-storage-class': 'Archive' } });
  const refused = await store.get('cold').then(() => 'none', (error) => error.code);
  tell('restore', { refused, status: (await store.restore('cold')).res.status });
}

async function versions(store) {
  await store.putBucketVersioning(given.bucket, 'Enabled');
  tell('versioning', { status: (await store.getBucketVersioning(given.bucket)).versionStatus });
  const first = (await store.put('v', Buffer.from('1'))).res.headers['x-oss-version-id'];
  await store.put('v', Buffer.from('2'));
  const gone = await store.delete('v');
  tell('marker', { marker: gone.res.headers['x-oss-delete-marker'] });
  tell('pinned', { body: (await store.get('v', { versionId: first })).content.toString() });
  const listed = await store.getBucketVersions({ prefix: 'v' });
  tell('listed', { versions: listed.objects.length, markers: listed.deleteMarker.length });
  await store.deleteMulti([{ key: 'v', versionId: first }]);
  tell('left', { versions: (await store.getBucketVersions({ prefix: 'v' })).objects.length });
}

async function main() {
  const store = new OSS({
    accessKeyId: process.env.OSS_ACCESS_KEY_ID,
    accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
    region: 'oss-cn-hangzhou',
    bucket: given.bucket,
    endpoint: given.endpoint,
    retryMax: 0,
    ...given.options,
  });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ali-oss-'));
  try {
    await multipart(store, folder);
    await others(store);
    await versions(store);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  console.log(JSON.stringify({ done: true }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
