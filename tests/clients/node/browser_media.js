// A page of another origin plays a link in headless Chromium, seeks in it, and goes on. In: {chromium, url} as JSON. Out:
// one JSON line with what the player saw and the ranges that it asked for, then {"done": true}.
'use strict';

const http = require('node:http');
const { chromium } = require('playwright-core');

const facts = JSON.parse(process.argv[2]);

// Seek near the end, to the middle and back; each time until the player has what it needs.
async function play(url) {
  const player = document.createElement('video');
  player.preload = 'auto';
  player.muted = true;
  player.src = url;
  document.body.append(player);
  const event = (name) => new Promise((done) => player.addEventListener(name, done, { once: true }));
  await event('loadeddata');
  for (const share of [0.95, 0.5, 0.1]) {
    const sought = event('seeked');
    player.currentTime = player.duration * share;
    await sought;
  }
  return { duration: player.duration, error: player.error && player.error.message };
}

async function main() {
  const server = http.createServer((_, reply) => {
    reply.setHeader('Content-Type', 'text/html');
    reply.end('<!doctype html><title>another origin</title><body>');
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const browser = await chromium.launch({ executablePath: facts.chromium, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const ranges = [];
    page.on('request', (request) => {
      if (request.url() === facts.url) ranges.push(request.headers().range || '');
    });
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const seen = await page.evaluate(play, facts.url);
    console.log(JSON.stringify({ ...seen, ranges }));
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
