// ali-oss's STS client against a coatcheck server: a temporary key, and what can be done with it.
// Usage: node sts.js '{"endpoint": ..., "bucket": ..., "id": ..., "secret": ..., "arn": ...}'
'use strict';

const OSS = require('ali-oss');

const given = JSON.parse(process.argv[2]);
const tell = (name, facts) => console.log(JSON.stringify({ name, ...facts }));

async function code(work) {
  try {
    await work();
    return 'no error';
  } catch (error) {
    return error.code;
  }
}

async function main() {
  const sts = new OSS.STS({ accessKeyId: given.id, accessKeySecret: given.secret, endpoint: given.endpoint });
  const policy = { Version: '1', Statement: [{ Effect: 'Allow', Action: 'oss:GetObject', Resource: '*' }] };
  const told = await sts.assumeRole(given.arn, policy, 900, 'node-session');
  tell('assumeRole', { id: told.credentials.AccessKeyId.slice(0, 4), status: told.res.status });
  tell('wrong role', { code: await code(() => sts.assumeRole(`${given.arn}-none`, policy, 900, 'node-session')) });
  tell('too short', { code: await code(() => sts.assumeRole(given.arn, policy, 899, 'node-session')) });
  for (const authorizationV4 of [true, false]) {
    const client = new OSS({
      accessKeyId: told.credentials.AccessKeyId,
      accessKeySecret: told.credentials.AccessKeySecret,
      stsToken: told.credentials.SecurityToken,
      region: 'oss-cn-hangzhou',
      endpoint: given.endpoint,
      sldEnable: true,
      bucket: given.bucket,
      authorizationV4,
      retryMax: 0,
    });
    const version = authorizationV4 ? 'v4' : 'v1';
    const got = await client.get('for-node');
    tell(version, { body: got.content.toString(), put: await code(() => client.put('for-node', Buffer.from('no'))) });
    if (authorizationV4) {
      const answer = await fetch(await client.signatureUrlV4('GET', 60, {}, 'for-node'));
      tell('link', { status: answer.status, body: await answer.text() });
    }
  }
  console.log(JSON.stringify({ done: true }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
