import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const doors = JSON.parse(read('test/support/public-names.json')) as Record<string, string[]>;
const exported = new Set(Object.values(doors).flat());
const glossary = read('docs/glossary.md');
const errors = read('docs/errors.md');

/** The rows of the tables of names, by their first column. */
function namedRows(): string[] {
  const sections = glossary.split(/^### /m).filter((section) => section.includes('\n| name '));
  return sections
    .flatMap((section) => section.split('\n'))
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|')[1]!);
}

const named = namedRows().flatMap((column) => [...column.matchAll(/`(\w+)`/g)].map(([, x]) => x!));

it('docs/glossary.md names what each door exports; docs/errors.md names the errors', () => {
  const missing = [...exported].filter((name) =>
    name.endsWith('Error') ? !errors.includes(`\`${name}\``) : !glossary.includes(`\`${name}\``),
  );
  expect(missing).toEqual([]);
});

it('docs/glossary.md lists no name that no door exports', () => {
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter((name) => !exported.has(name))).toEqual([]);
});

it('docs/glossary.md lists each name once', () => {
  expect(named.filter((name, index) => named.indexOf(name) !== index)).toEqual([]);
});
