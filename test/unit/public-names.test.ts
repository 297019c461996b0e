import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { DOORS, PublicNames, type Door } from '../support/public-names.js';

const doors = Object.keys(DOORS) as Door[];

describe('the doors of the package', { timeout: 120_000 }, () => {
  let names: PublicNames;

  beforeAll(() => {
    names = new PublicNames();
  }, 120_000);

  it('export the names of test/support/public-names.json (else: npm run docs:names)', async () => {
    const list = Object.fromEntries(doors.map((door) => [door, names.of(door)]));
    const text = await format(JSON.stringify(list), { parser: 'json', printWidth: 100 });
    await expect(text).toMatchFileSnapshot('../support/public-names.json');
  });

  it.each(doors)('name no type of ours in a signature that users cannot import: %s', (door) => {
    expect(names.leaks(door)).toEqual([]);
  });

  it('the root has all of /core, and Redis beside it', () => {
    const root = names.of('nestjs-redis-streams');
    const core = names.of('nestjs-redis-streams/core');
    expect(root).toEqual(expect.arrayContaining(core));
    const others = root.filter((name) => !core.includes(name));
    expect(others.filter((name) => !/^(redis|Redis|Tls)/.test(name))).toEqual([]);
  });

  it.each(doors)('hold names and nothing else: %s', (door) => {
    const file = new URL(`../../${DOORS[door]}`, import.meta.url);
    const source = ts.createSourceFile('', readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
    const others = source.statements.filter(
      (statement) =>
        !ts.isExportDeclaration(statement) ||
        !statement.exportClause ||
        !ts.isNamedExports(statement.exportClause),
    );
    expect(others).toEqual([]);
  });
});
