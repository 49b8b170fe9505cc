// A person downloads a link in Chromium, pauses, and resumes, on the page of downloads. In: {chromium, url, profile} as
// JSON; `profile` is a directory. Out: one JSON line with the file and what happened, then {"done": true}.
'use strict';

const { chromium } = require('playwright-core');

const facts = JSON.parse(process.argv[2]);

async function main() {
  const context = await chromium.launchPersistentContext(facts.profile, {
    executablePath: facts.chromium,
    headless: false,
    args: ['--no-sandbox', '--headless=new'],
    acceptDownloads: true,
  });
  try {
    const page = context.pages()[0] || (await context.newPage());
    const session = await context.newCDPSession(page);
    // Slow, so that there is something to pause.
    const begun = page.waitForEvent('download', { timeout: 20_000 });
    await page.goto(facts.url).catch(() => null); // a navigation that becomes a download "fails"
    const download = await begun;
    const list = await context.newPage();
    await list.goto('chrome://downloads');
    const press = (id) =>
      list.waitForFunction((which) => {
        const item = document.querySelector('downloads-manager')?.shadowRoot?.querySelector('downloads-item');
        const button = item?.shadowRoot?.querySelector(which);
        if (!button || button.hidden) return false;
        button.click();
        return true;
      }, id, { timeout: 20_000 });
    await press('#pauseOrResume');
    await list.waitForTimeout(500);
    await press('#pauseOrResume');
    console.log(JSON.stringify({ file: await download.path(), failure: await download.failure() }));
    void session;
  } finally {
    await context.close();
  }
  console.log(JSON.stringify({ done: true }));
}

main().catch((error) => {
  console.error(error.stack);
  process.exit(1);
});
