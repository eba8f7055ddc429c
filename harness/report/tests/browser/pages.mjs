// Looks at pages in a headless browser: node pages.mjs BROWSER PAGE...
// Prints one JSON array with what is wrong: the violations that axe finds at each width and colour scheme, pages wider
// than their window, choices that do not show as many rows as they say, and what stays folded in print. The exit code
// is 0 when it ran.
// `npm ci` in this folder installs what it imports.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [executablePath, ...pages] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await puppeteer.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
const found = [];

/** The choices of rows and claims whose number is not the number of those that are visible then. */
function wrongChoices() {
  const parts = { rows: "table.main > tbody > tr", claims: ".claim" };
  const visible = (selector) => [...document.querySelectorAll(selector)].filter((part) => part.checkVisibility()).length;
  return Object.entries(parts).flatMap(([name, selector]) =>
    [...document.querySelectorAll(`input[name=${name}]`)].reverse().flatMap((input) => {
      input.click();
      const said = Number(/\((\d+)\)$/.exec(input.parentElement.textContent)[1]);
      const shown = visible(selector);
      return said === shown ? [] : [`${input.id} says ${said} and shows ${shown}`];
    }),
  );
}

/** Columns by which the main table does not come out sorted: the highest measured value first. */
function unsorted() {
  const wrong = [...document.querySelectorAll("input[name=sort]")].flatMap((input) => {
    input.click();
    const at = /^sort-(\d+)$/.exec(input.id)?.[1];
    const rows = [...document.querySelectorAll("table.main > tbody > tr")].filter((row) => row.checkVisibility());
    const shown = rows.sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top);
    const values = shown.map((row) => parseFloat(row.children[Number(at) + 1]?.querySelector("b")?.textContent.replace("−", "-") ?? "-999"));
    const falls = values.every((value, index) => index === 0 || value <= values[index - 1]);
    return at === undefined || falls ? [] : [`${input.id}: ${values.join(" ")}`];
  });
  document.querySelector("#sort-none")?.click();
  return wrong;
}

/** What a reader of the printed page would miss, raw parts aside. What is visible is known after a frame or two. */
async function folded() {
  for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
  const hidden = [...document.querySelectorAll("details > :not(summary)")].filter((part) => !part.checkVisibility({ contentVisibilityAuto: true }));
  const clipped = [...document.querySelectorAll(".scroll")].filter((part) => getComputedStyle(part).overflow !== "visible");
  return [...hidden, ...clipped].filter((part) => !part.closest(".raw")).map((part) => part.outerHTML.slice(0, 200));
}

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
      const serious = (id, places) => {
        if (places.length > 0) found.push({ path, width, scheme, id, impact: "serious", help: id, places });
      };
      serious("wrong choices", await page.evaluate(wrongChoices));
      serious("not sorted", await page.evaluate(unsorted));
      await page.emulateMediaType("print");
      serious("folded or clipped in print", await page.evaluate(folded));
      await page.close();
    }
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
