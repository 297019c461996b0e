// @ts-check
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { aboutInWords } from './about.js';
import { asMarkdown, sectionOf } from './markdown.js';
import { plotOf } from './plot.js';
import { asSummary } from './summary.js';

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/**
 * Puts what was measured between the markers of docs/performance.md and, where it has them, of
 * README.md, and draws the plots.
 *
 * @param {string} root
 * @param {import('../types.js').About} about
 * @param {readonly import('../types.js').WorkloadResult[]} results
 */
export async function writeDocs(root, about, results) {
  await writePlots(root, results);
  await replace(join(root, 'docs/performance.md'), asMarkdown(about, results));
  await replace(join(root, 'README.md'), asSummary(about, results));
}

/**
 * Puts what some workloads have measured in place of their sections in docs/performance.md, or behind
 * the others, each with a line that says when that was.
 *
 * @param {string} root
 * @param {import('../types.js').About} about
 * @param {readonly import('../types.js').WorkloadResult[]} results
 */
export async function writeSections(root, about, results) {
  await writePlots(root, results);
  const file = join(root, 'docs/performance.md');
  const [start, before, end] = partsOf(await readFile(file, 'utf8'));
  let measured = before;
  for (const result of results) {
    const sections = measured.split(/(?=^## )/m);
    const section = `${sectionOf(result)}\n\nBy itself: ${aboutInWords(about)}\n\n`;
    const at = sections.findIndex((one) => one.startsWith(`## ${result.workload.title}\n`));
    if (at >= 0) sections[at] = section;
    else sections.splice(-1, 0, section);
    measured = sections.join('');
  }
  await writeFormatted(file, start + measured + end);
}

/** @param {string} root @param {readonly import('../types.js').WorkloadResult[]} results */
async function writePlots(root, results) {
  const plots = join(root, 'docs/plots');
  await mkdir(plots, { recursive: true });
  for (const result of results) {
    await writeFile(join(plots, `${result.workload.name}.svg`), plotOf(result));
  }
}

/** Before, between and behind the markers. @param {string} text @returns {[string, string, string]} */
function partsOf(text) {
  const [start, end] = [text.indexOf(START) + START.length, text.indexOf(END)];
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}

/** @param {string} file @param {string} text */
async function replace(file, text) {
  const before = existsSync(file) ? await readFile(file, 'utf8') : '';
  const [start, end] = [before.indexOf(START), before.indexOf(END)];
  if (start < 0 || end < start)
    return console.error(`${file} has no ${START} and ${END}; left as it is`);
  await writeFormatted(
    file,
    `${before.slice(0, start)}${START}\n\n${text}\n\n${before.slice(end)}`,
  );
}

/** @param {string} file @param {string} text */
async function writeFormatted(file, text) {
  const config = await resolveConfig(file);
  await writeFile(file, await format(text, { ...config, filepath: file }));
}
