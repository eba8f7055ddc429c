// Runs axe over pages in a headless browser: node axe.mjs BROWSER PAGE...
// Prints one JSON array with the violations of each page at each width and colour scheme; exit code 0 when it ran.
// `npm ci` in this folder installs what it imports.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [executablePath, ...pages] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await puppeteer.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
const found = [];
try {
  for (const path of pages) {
    for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [400, "light"]]) {
      const page = await browser.newPage();
      // The page's own policy would keep axe out; what it forbids is tested elsewhere.
      await page.setBypassCSP(true);
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.goto(pathToFileURL(path).href);
      await page.evaluate(axe);
      const result = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      for (const { id, impact, help, nodes } of result.violations) {
        const places = nodes.slice(0, 3).map((node) => `${node.target.join(" ")}: ${node.failureSummary}`);
        found.push({ path, width, scheme, id, impact, help, places });
      }
      if (wider > 0) {
        found.push({ path, width, scheme, id: "page-overflow", impact: "serious", help: `${wider} pixels too wide`, places: [] });
      }
      await page.close();
    }
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
