// Links that ali-oss signs, V4 and V1; and what it makes of a refusal. In: {endpoint, bucket, key, refused} as JSON; with
// `refused`, it asks instead and says what it was told. Out: one JSON line, then {"done": true}.
'use strict';

const OSS = require('ali-oss');

const given = JSON.parse(process.argv[2]);
const keys = { accessKeyId: process.env.OSS_ACCESS_KEY_ID, accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET };
const common = { ...keys, region: 'oss-cn-hangzhou', bucket: given.bucket, retryMax: 0 };

async function main() {
  // Asked under a name: with an IP address as its endpoint it would put the cloud's own name into Host.
  const endpoint = given.refused ? `http://localhost:${given.port}` : given.endpoint;
  const v4 = new OSS({ ...common, endpoint, authorizationV4: true, sldEnable: true });
  if (given.refused) {
    const error = await v4.get('none').catch((refusal) => refusal);
    console.log(JSON.stringify({ code: error.code, status: error.status, requestId: error.requestId }));
  } else {
    const v1 = new OSS({ ...common, endpoint: 'http://oss-cn-hangzhou.aliyuncs.com' });
    console.log(
      JSON.stringify({
        v4: await v4.signatureUrlV4('GET', 3600, { headers: {} }, given.key),
        v1: v1.signatureUrl(given.key, { expires: 3600 }),
      }),
    );
  }
  console.log(JSON.stringify({ done: true }));
}

main().catch((error) => {
  console.error(error.stack);
  process.exit(1);
});
