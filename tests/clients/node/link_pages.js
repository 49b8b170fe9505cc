// What a person sees of links: each page in both languages, on a telephone and a screen, with axe-core's judgement.
'use strict';

const { createHash } = require('node:crypto');
const { readFile } = require('node:fs/promises');
const { join } = require('node:path');
const { chromium } = require('playwright-core');

const facts = JSON.parse(process.argv[2]);
const say = (outcome) => console.log(JSON.stringify(outcome));
const md5 = (bytes) => createHash('md5').update(bytes).digest('hex');
const AXE = join(__dirname, 'node_modules', 'axe-core', 'axe.min.js');

async function judge(page) {
  // The page's own policy lets no script in; the test looks at it from outside of the policy.
  const source = await readFile(AXE, 'utf8');
  await page.evaluate(source);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(' ')}`);
}

async function look(browser, language, width, scheme) {
  const context = await browser.newContext({
    viewport: { width, height: 900 }, locale: language, colorScheme: scheme, bypassCSP: false,
  });
  const page = await context.newPage();
  const asked = [];
  const wrong = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') wrong.push(message.text()); });
  for (const [name, url] of Object.entries(facts.pages)) {
    const response = await page.goto(url);
    const title = await page.title();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    const lang = await page.evaluate(() => document.documentElement.lang);
    const problems = await judge(page);
    if (facts.pictures) await page.screenshot({ path: join(facts.pictures, `link-${name}-${lang}-${width}.png`) });
    say({
      what: 'page', name, language, width, status: response.status(), title, wide, lang, problems,
      heading: await page.evaluate(() => document.querySelector('h1').innerText),
    });
  }
  const elsewhere = asked.filter((url) => !url.startsWith(facts.endpoint) && !url.startsWith('data:'));
  say({ what: 'asked', language, width, elsewhere, wrong: wrong.filter((text) => !/status of 4\d\d/.test(text)) });
  await context.close();
}

async function unlock(browser) {
  const context = await browser.newContext({ acceptDownloads: true });
  const page = await context.newPage();
  await page.goto(facts.locked);
  await page.fill('#password', 'herring');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#wrong');
  say({ what: 'wrong', text: await page.innerText('#wrong') });
  await page.fill('#password', 'swordfish');
  await page.keyboard.press('Enter');
  await page.waitForSelector('a.button');
  say({ what: 'right', heading: await page.innerText('h1') });
  const started = page.waitForEvent('download');
  await page.click('a.button');
  const download = await started;
  say({ what: 'downloaded', name: download.suggestedFilename(), md5: md5(await readFile(await download.path())) });
  await context.close();
}

async function tryTooOften(browser) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(facts.tried);
  await page.fill('#password', 'swordfish');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#wrong');
  say({ what: 'too often', text: await page.innerText('#wrong') });
  await context.close();
}

async function takeAll(browser) {
  const context = await browser.newContext({ acceptDownloads: true });
  const page = await context.newPage();
  await page.goto(facts.pages.folder);
  const started = page.waitForEvent('download');
  await page.click('a.button');
  const download = await started;
  await download.saveAs(facts.zip);
  say({ what: 'zip', name: download.suggestedFilename() });
  await context.close();
}

async function confine(browser) {
  // A stored page of the same host, opened by somebody who has a ticket: it may do nothing.
  const context = await browser.newContext();
  const page = await context.newPage();
  const told = [];
  page.on('console', (message) => told.push(message.text()));
  await page.goto(facts.evil);
  const ran = await page.evaluate(() => document.title);
  say({ what: 'confined', title: ran, told: told.filter((text) => text.startsWith('evil')) });
  await context.close();
}

async function main() {
  const browser = await chromium.launch({
    executablePath: facts.chromium,
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
  for (const language of ['en', 'zh']) {
    for (const [width, scheme] of [[360, 'dark'], [1280, 'light']]) await look(browser, language, width, scheme);
  }
  await unlock(browser);
  await tryTooOften(browser);
  await takeAll(browser);
  await confine(browser);
  await browser.close();
  say({ done: true });
}

main().catch((error) => { console.error(error); process.exit(1); });
