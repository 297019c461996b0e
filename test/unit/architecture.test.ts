import { expect, it } from 'vitest';
import { architecturePage, FOLDERS, foldersOfLib } from '../support/architecture.js';

it('each folder of lib has its line in test/support/architecture.ts, and no other has', () => {
  expect(Object.keys(FOLDERS).sort()).toEqual(foldersOfLib());
});

it('docs/architecture.md shows folders, imports and pipeline as the code has them (else: npm run docs:architecture)', async () => {
  const page = await architecturePage();
  await expect(page).toMatchFileSnapshot('../../docs/architecture.md');
});
