import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applicationName } from '../../lib/options/application-name.js';

describe('the name of the application', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'application-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  function write(path: string, text: string): string {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  it('is that of the nearest package.json that has one', () => {
    write('package.json', '{ "name": "shop" }');
    write('dist/package.json', '{ "type": "commonjs" }');
    expect(applicationName(write('dist/src/main.js', ''))).toBe('shop');
  });

  it.each(['{ "name": 7 }', '{ "name": "" }', 'no json', ''])('is not taken from %j', (text) => {
    write('package.json', '{ "name": "outer" }');
    write('app/package.json', text);
    expect(applicationName(write('app/main.js', ''))).toBe('outer');
  });

  it('is unknown where a program from node_modules starts the application', () => {
    write('package.json', '{ "name": "shop" }');
    write('node_modules/runner/package.json', '{ "name": "runner" }');
    expect(applicationName(write('node_modules/runner/bin.js', ''))).toBeUndefined();
  });

  it('is unknown without a main module, or where that is not there', () => {
    expect(applicationName(join(root, 'gone.js'))).toBeUndefined();
    expect(applicationName('')).toBeUndefined();
  });
});
