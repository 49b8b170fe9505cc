// ali-oss and pictures: process, signed links that carry it, processObjectSave, styles by name. The expected values are
// in test_pictures.py. Usage: node pictures.js '{"endpoint": ..., "bucket": ..., "key": ...}'
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

const store = new OSS({
  accessKeyId: process.env.OSS_ACCESS_KEY_ID,
  accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
  region: 'oss-cn-hangzhou',
  endpoint: `http://oss-cn-hangzhou.localhost:${given.port}`,
  agent,
  authorizationV4: true,
  bucket: given.bucket,
  retryMax: 0,
});

function fetch(url) {
  return new Promise((resolve, reject) => {
    http.get(url, { agent }, (reply) => {
      const pieces = [];
      reply.on('data', (piece) => pieces.push(piece));
      reply.on('end', () => {
        const body = Buffer.concat(pieces);
        resolve({ status: reply.statusCode, type: reply.headers['content-type'], body: body.toString('base64') });
      });
      reply.on('error', reject);
    }).on('error', reject);
  });
}

async function main() {
  const got = await store.get(given.key, { process: 'image/resize,w_100/format,png' });
  tell('get', { type: got.res.headers['content-type'], body: got.content.toString('base64') });

  const queries = { 'x-oss-process': 'image/resize,w_120/format,webp' };
  const link = await store.signatureUrlV4('GET', 3600, { headers: {}, queries }, given.key);
  tell('link', await fetch(link));
  tell('changed', await fetch(link.replace('w_120', 'w_121')));
  tell('dropped', await fetch(link.replace(/x-oss-process=[^&]*&?/, '')));
  const encoded = encodeURIComponent(queries['x-oss-process']);
  tell('raw', await fetch(link.replace(encoded, queries['x-oss-process'])));

  const saved = await store.processObjectSave(given.key, 'saved/ü 1.png', 'image/resize,w_80/format,png');
  tell('saved', { status: saved.status, data: saved.data });
  const again = await store.get('saved/ü 1.png');
  tell('again', { type: again.res.headers['content-type'], body: again.content.toString('base64') });
  try {
    await store.get(given.key, { process: 'image/resize,w_0' });
  } catch (error) {
    tell('refused', { code: error.code, status: error.status });
  }
  console.log(JSON.stringify({ done: true }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
