import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { docPages, readPage } from '../support/doc-pages.js';
import { partsOf, withoutParts } from '../support/generated-parts.js';
import { ReferencePages } from '../support/reference/reference-pages.js';

/** Another test writes the parts of this page: `npm run docs:architecture`. */
const ARCHITECTURE = 'docs/architecture.md';
const reference = new ReferencePages();
const pages = docPages().filter(
  (page) => page !== ARCHITECTURE && partsOf(readPage(page)).length > 0,
);

it.each(pages)('%s says what the code says (else: npm run docs:reference)', async (page) => {
  const filled = await reference.fill(page, readPage(page));
  await expect(filled).toMatchFileSnapshot(`../../${page}`);
  const empty = filled.split('\n').filter((line) => /^\| .*\| +\|/.test(line));
  expect(empty, 'names without a comment, options without @default').toEqual([]);
  expect(signaturesWithoutText(filled), 'methods without a comment').toEqual([]);
});

it.each([
  '',
  '/core',
  '/testing',
  '/health',
  '/metrics',
  '/memory',
  '/kafka',
  '/kafka-postgres',
  '/nats',
  '/postgres',
  '/tracing',
])('each name of nestjs-redis-streams%s stands in a page of the reference', (door) => {
  const list = new URL('../support/public-names.json', import.meta.url);
  const doors = JSON.parse(readFileSync(list, 'utf8')) as Record<string, string[]>;
  const texts = [...pages, 'docs/errors.md'].map(readPage);
  const parts = new Set(texts.flatMap(partsOf).flatMap((part) => part.split(' ')));
  const byHand = texts.map(withoutParts).join('\n');
  const missing = doors[`nestjs-redis-streams${door}`]!.filter(
    (name) => !parts.has(name) && !byHand.includes(`\`${name}\``),
  );
  expect(missing).toEqual([]);
});

function signaturesWithoutText(page: string): string[] {
  const blocks = page.matchAll(/(.*)\n\n```ts\n((?:(?!```).*\n)+)```\n\n(?=###|<!-- end|```)/g);
  const signatures = [...blocks].filter(([, above]) => !above!.startsWith('<!-- snippet'));
  return signatures.map(([, , code]) => code!).filter((code) => !code.startsWith('new '));
}
