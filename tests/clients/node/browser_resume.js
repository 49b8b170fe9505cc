// A person downloads a link in Chromium, pauses, and resumes, on the page of downloads. In: {chromium, url, profile,
// file} as JSON; `profile` is a directory. Out: one JSON line with what went wrong, then {"done": true}.
'use strict';

const { chromium } = require('playwright-core');

const BUTTON = '#pause-or-resume, #pauseOrResume'; // as Chromium's own page has called it

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
    await press(BUTTON);
    await list.waitForTimeout(1500); // paused for longer than what is on its way takes
    await press(BUTTON);
    await download.saveAs(facts.file);
    console.log(JSON.stringify({ failure: await download.failure() }));
  } finally {
    await context.close();
  }
  console.log(JSON.stringify({ done: true }));
}

main().catch((error) => {
  console.error(error.stack);
  process.exit(1);
});
