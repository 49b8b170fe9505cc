const assert = require('node:assert');
const OSS = require('ali-oss');
const { start } = require('./oss-server');

describe('photos', () => {
  let oss, client;

  before(async function () {
    this.timeout(60_000);
    oss = await start();
  });
  after(() => oss.stop());
  beforeEach(async () => {
    await oss.ask('reset');
    await oss.ask('bucket', { name: 'photos' });
    client = new OSS(oss.options('photos'));
  });

  it('puts and gets', async () => {
    await client.put('a.txt', Buffer.from('hello'));
    assert.equal((await client.get('a.txt')).content.toString(), 'hello');
  });

  it('makes links that end', async () => {
    await client.put('a.txt', Buffer.from('hello'));
    const link = await client.signatureUrlV4('GET', 3600, {}, 'a.txt');
    assert.equal((await fetch(link)).status, 200);
    await oss.ask('clock-move', { seconds: 2 * 3600 });
    assert.equal((await fetch(link)).status, 403);
  });

  it('hears of a busy service', async () => {
    await client.put('a.txt', Buffer.from('hello'));
    const { id } = await oss.ask('fault', { operation: 'GetObject', code: 'SlowDown' });
    await assert.rejects(client.get('a.txt'), { code: 'SlowDown', status: 503 });
    assert.ok((await oss.ask('fault-remove', { id })).hit >= 1);
    assert.equal((await client.get('a.txt')).content.toString(), 'hello');
  });

  it('loses its connection', async () => {
    await oss.ask('fault', { operation: 'PutObject', reset: true });
    await assert.rejects(client.put('a.txt', Buffer.from('hello')));
    const { requests } = await oss.ask('requests', { refused: true });
    assert.deepEqual(requests.map(({ operation, status }) => [operation, status]), [['PutObject', 0]]);
  });
});
