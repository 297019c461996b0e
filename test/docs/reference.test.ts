import { expect, it } from 'vitest';
import { docPages, readPage } from '../support/doc-pages.js';
import { partsOf } from '../support/generated-parts.js';
import { ReferencePages } from '../support/reference/reference-pages.js';

/** Another test writes its parts: `npm run docs:architecture`. */
const ARCHITECTURE = 'docs/architecture.md';
const reference = new ReferencePages();
const pages = docPages().filter(
  (page) => partsOf(readPage(page)).length > 0 && page !== ARCHITECTURE,
);

it.each(pages)('%s says what the code says (else: npm run docs:reference)', async (page) => {
  const filled = await reference.fill(page, readPage(page));
  await expect(filled).toMatchFileSnapshot(`../../${page}`);
  const empty = filled.split('\n').filter((line) => /^\| .*\| +\|/.test(line));
  expect(empty, 'names without a comment, options without @default').toEqual([]);
  const silent = [...filled.matchAll(/^```ts\n(.*)\n(?:.*\n)*?```\n\n(?=###|<!-- end|```)/gm)];
  expect(
    silent.map(([, code]) => code),
    'methods without a comment',
  ).toEqual([]);
});
