// Somebody leaves three files in an upload box, and reloads the page in the middle of the large one.
'use strict';

const { readFile } = require('node:fs/promises');
const { join } = require('node:path');
const { chromium } = require('playwright-core');

const facts = JSON.parse(process.argv[2]);
const say = (outcome) => console.log(JSON.stringify(outcome));
const AXE = join(__dirname, 'node_modules', 'axe-core', 'axe.min.js');

async function judge(page) {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(' ')}`);
}

async function look(browser, language, width, scheme) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, locale: language, colorScheme: scheme });
  const page = await context.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') wrong.push(message.text()); });
  await page.goto(facts.ruled);
  await page.setInputFiles('#files', [facts.small, facts.refused]);
  await page.waitForSelector('#list .done');
  await page.waitForSelector('#list .wrong');
  const lang = await page.evaluate(() => document.documentElement.lang);
  if (facts.pictures) await page.screenshot({ path: join(facts.pictures, `box-${lang}-${width}.png`) });
  say({
    what: 'page', language, width, lang,
    heading: await page.innerText('h1'),
    list: await page.$$eval('#list li', (rows) => rows.map((row) => [row.className, row.innerText.trim()])),
    news: await page.innerText('#news'),
    wide: await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth),
    problems: await judge(page),
    wrong: wrong.filter((text) => !/status of 4\d\d/.test(text)),
  });
  await context.close();
}

async function reload(browser) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const asked = [];
  page.on('dialog', (dialog) => dialog.accept());
  page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).search.replace(/[0-9a-f]{32}/, 'ID')}`));
  await page.goto(facts.box);
  const second = new Promise((go) => {
    // The second piece never goes out: the large file is half way when the page is reloaded.
    page.route(/at=8388608/, () => go());
  });
  await page.setInputFiles('#files', [facts.small, facts.large, facts.last]);
  await second;
  say({ what: 'stopped', list: await page.$$eval('#list .done', (rows) => rows.map((row) => row.innerText.trim())) });
  await page.reload();
  await page.unroute(/at=8388608/); // not earlier: it lets go of what it holds
  say({ what: 'reloaded', list: await page.$$eval('#list li', (rows) => rows.map((row) => row.innerText.trim())) });
  asked.length = 0;
  await page.setInputFiles('#files', [facts.large, facts.last]);
  await page.waitForFunction(() => document.querySelectorAll('#list .done').length === 2);
  say({ what: 'resumed', asked: asked.filter((each) => each.startsWith('GET ?upload') || each.startsWith('P')) });
  say({ what: 'kept', memory: await page.evaluate(() => Object.values(sessionStorage).join()) });
  await context.close();
}

async function withoutScript(browser) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(facts.box);
  await page.setInputFiles('#files', [facts.small, facts.last]);
  await Promise.all([page.waitForNavigation(), page.click('button')]);
  say({ what: 'plain', list: await page.$$eval('#list li', (rows) => rows.map((row) => row.innerText.trim())) });
  await context.close();
}

async function main() {
  const browser = await chromium.launch({ executablePath: facts.chromium, args: ['--no-sandbox'] });
  await look(browser, 'en', 360, 'light');
  await look(browser, 'zh', 1280, 'dark');
  await reload(browser);
  await withoutScript(browser);
  await browser.close();
  say({ done: true });
}

main().catch((error) => { console.error(error); process.exit(1); });
