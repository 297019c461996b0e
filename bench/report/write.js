// @ts-check
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { asMarkdown } from './markdown.js';
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
  const plots = join(root, 'docs/plots');
  await mkdir(plots, { recursive: true });
  for (const result of results) {
    await writeFile(join(plots, `${result.workload.name}.svg`), plotOf(result));
  }
  await replace(join(root, 'docs/performance.md'), asMarkdown(about, results));
  await replace(join(root, 'README.md'), asSummary(about, results));
}

/** @param {string} file @param {string} text */
async function replace(file, text) {
  const before = existsSync(file) ? await readFile(file, 'utf8') : '';
  const [start, end] = [before.indexOf(START), before.indexOf(END)];
  if (start < 0 || end < start)
    return console.error(`${file} has no ${START} and ${END}; left as it is`);
  const after = `${before.slice(0, start)}${START}\n\n${text}\n\n${before.slice(end)}`;
  const config = await resolveConfig(file);
  await writeFile(file, await format(after, { ...config, filepath: file }));
}
