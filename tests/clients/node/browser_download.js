// A page of another origin fetches a link and saves the blob, in headless Chromium. In: {chromium, url, file} as JSON.
// Out: one JSON line with what the page saw, then {"done": true}.
'use strict';

const http = require('node:http');
const { chromium } = require('playwright-core');

const facts = JSON.parse(process.argv[2]);

// What the page does: the usual way to save what fetch brought.
async function save(url) {
  const reply = await fetch(url);
  const seen = { status: reply.status, etag: reply.headers.get('ETag'), requestId: reply.headers.get('x-oss-request-id') };
  if (!reply.ok) {
    const document = new DOMParser().parseFromString(await reply.text(), 'application/xml');
    return { ...seen, code: document.querySelector('Code').textContent, message: document.querySelector('Message').textContent };
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await reply.blob());
  link.download = 'saved.bin';
  link.click();
  return seen;
}

async function main() {
  const server = http.createServer((_, reply) => {
    reply.setHeader('Content-Type', 'text/html');
    reply.end('<!doctype html><title>another origin</title>');
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const browser = await chromium.launch({ executablePath: facts.chromium, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const saved = page.waitForEvent('download', { timeout: 20_000 }).catch(() => null);
    const seen = await page.evaluate(save, facts.url).catch((error) => ({ failed: error.message.split('\n')[0] }));
    if (seen.status === 200) await (await saved).saveAs(facts.file);
    console.log(JSON.stringify(seen));
  } finally {
    await browser.close();
    server.close();
  }
  console.log(JSON.stringify({ done: true }));
}

main().catch((error) => {
  console.error(error.stack);
  process.exit(1);
});
