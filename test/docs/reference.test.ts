import { expect, it } from 'vitest';
import { readPage } from '../support/doc-pages.js';
import { ReferencePages } from '../support/reference/reference-pages.js';

const reference = new ReferencePages();
const pages = ['docs/options.md', 'docs/events.md'];

it.each(pages)('%s says what the code says (else: npm run docs:reference)', async (page) => {
  const filled = await reference.fill(page, readPage(page));
  await expect(filled).toMatchFileSnapshot(`../../${page}`);
  const empty = filled.split('\n').filter((line) => /^\| .*\| +\|/.test(line));
  expect(empty, 'names without a comment, options without @default').toEqual([]);
});
