// What a person's browser makes of links. Facts come as one JSON argument, outcomes go out as JSON lines.
'use strict';

const { createHash } = require('node:crypto');
const { readFile } = require('node:fs/promises');
const { chromium } = require('playwright-core');

const facts = JSON.parse(process.argv[2]);
const say = (outcome) => console.log(JSON.stringify(outcome));
const md5 = (bytes) => createHash('md5').update(bytes).digest('hex');

async function main() {
  const browser = await chromium.launch({
    executablePath: facts.chromium,
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
  const context = await browser.newContext({ acceptDownloads: true, ignoreHTTPSErrors: true });
  const page = await context.newPage();

  // A page of somebody else's that shows the picture.
  const shown = page.waitForResponse((response) => response.url() === facts.picture);
  await page.goto(facts.gallery);
  const picture = await shown;
  await page.waitForFunction(() => document.images[0].complete);
  say({
    what: 'picture',
    status: picture.status(),
    md5: md5(await picture.body()),
    width: await page.evaluate(() => document.images[0].naturalWidth),
  });

  // The link in the address bar.
  const opened = await page.goto(facts.text);
  say({ what: 'opened', status: opened.status(), text: await page.evaluate(() => document.body.innerText) });

  // A script on a page of the same origin.
  const fetched = await page.evaluate(async (link) => {
    const response = await fetch(link);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const head = await fetch(link, { headers: { Range: 'bytes=10-19' } });
    return { status: response.status, bytes: Array.from(bytes), part: head.status, piece: await head.text() };
  }, facts.text);
  say({ what: 'fetched', ...fetched, bytes: undefined, md5: md5(Buffer.from(fetched.bytes)) });

  // A link that downloads under a name.
  const started = page.waitForEvent('download');
  await page.goto(facts.download).catch(() => {}); // a navigation that becomes a download is aborted
  const download = await started;
  say({ what: 'downloaded', name: download.suggestedFilename(), md5: md5(await readFile(await download.path())) });

  // A link whose time is over.
  const refused = await page.goto(facts.expired);
  say({ what: 'refused', status: refused.status(), code: /Code (\w+)/.exec(await refused.text())[1] });

  await browser.close();
  say({ done: true });
}

main();
