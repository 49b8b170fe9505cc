// ali-oss on CORS and referer rules of a bucket. Facts in as one JSON argument, JSON lines out.
'use strict';

const OSS = require('ali-oss');

const facts = JSON.parse(process.argv[2]);

const tell = (name, fact) => console.log(JSON.stringify({ name, ...fact }));

async function code(work) {
  try {
    await work;
    return 'none';
  } catch (error) {
    return error.code;
  }
}

async function main() {
  const store = new OSS({
    accessKeyId: process.env.OSS_ACCESS_KEY_ID,
    accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
    region: 'oss-cn-hangzhou',
    endpoint: facts.endpoint,
    sldEnable: true,
    authorizationV4: true,
    bucket: facts.bucket,
  });
  const rules = [
    { allowedOrigin: '*', allowedMethod: 'GET', allowedHeader: '*', exposeHeader: 'ETag', maxAgeSeconds: '30' },
    { allowedOrigin: ['http://a.example', 'http://b.example'], allowedMethod: ['PUT', 'HEAD'] },
  ];
  tell('putBucketCORS', { status: (await store.putBucketCORS(facts.bucket, rules)).res.status });
  tell('getBucketCORS', { rules: (await store.getBucketCORS(facts.bucket)).rules });
  tell('deleteBucketCORS', { status: (await store.deleteBucketCORS(facts.bucket)).res.status });
  tell('no rules', { code: await code(store.getBucketCORS(facts.bucket)) });
  tell('no referers', { allowEmpty: (await store.getBucketReferer(facts.bucket)).allowEmpty });
  await store.putBucketReferer(facts.bucket, false, ['http://a.example', 'http://*.b.example']);
  const { allowEmpty, referers } = await store.getBucketReferer(facts.bucket);
  tell('referers', { allowEmpty, referers });
  tell('deleteBucketReferer', { status: (await store.deleteBucketReferer(facts.bucket)).res.status });
  console.log(JSON.stringify({ done: true }));
}

main().catch((error) => {
  console.error(error.stack);
  process.exit(1);
});
