import { readFileSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { architecturePage, FOLDERS, foldersOfLib } from '../support/architecture.js';

it('each folder of lib has its line in test/support/architecture.ts, and no other has', () => {
  expect(Object.keys(FOLDERS).sort()).toEqual(foldersOfLib());
});

it('docs/architecture.md shows folders, imports and pipeline as the code has them (else: npm run docs:architecture)', async () => {
  const page = await architecturePage();
  await expect(page).toMatchFileSnapshot('../../docs/architecture.md');
});

it('docs/architecture.md names files that are there', () => {
  const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  const lib = new URL('../../lib', import.meta.url);
  const files = new Set(
    readdirSync(lib, { recursive: true }).map((file) => basename(String(file))),
  );
  const named = [...page.matchAll(/`(?:[\w./-]+\/)?([\w.-]+\.ts)`/g)].map(([, name]) => name!);
  const gone = named.filter((name) => !name.startsWith('check-') && !files.has(name));
  expect(gone.filter((name) => !page.includes(`test/support/${name}`))).toEqual([]);
});
