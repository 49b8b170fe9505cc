// One coatcheck for a run of tests: `const oss = await start()`, `await oss.ask('clock-move', { seconds: 3600 })`.
const { spawn } = require('node:child_process');
const readline = require('node:readline');

async function start(coatcheck = process.env.COATCHECK || 'coatcheck') {
  const server = spawn(coatcheck, ['serve', '--ephemeral', '--test-controls'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise((resolve, reject) => {
    readline.createInterface({ input: server.stdout }).once('line', resolve);
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`coatcheck ended with status ${code}`)));
  });
  const facts = JSON.parse(line);
  server.unref(); // it ends with this process in any case
  server.stdout.unref();

  async function ask(control, document = {}) {
    const reply = await fetch(`${facts.controls}/controls/${control}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-coatcheck-test-token': facts.token },
      body: JSON.stringify(document),
    });
    const told = await reply.json();
    if (!reply.ok) throw new Error(told.error);
    return told;
  }

  function options(bucket) {
    return {
      accessKeyId: facts.access_key_id,
      accessKeySecret: facts.access_key_secret,
      endpoint: facts.endpoint,
      region: `oss-${facts.region}`,
      authorizationV4: true,
      sldEnable: true,
      bucket,
    };
  }

  return { ...facts, ask, options, stop: () => server.kill() };
}

module.exports = { start };
