import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { file, type FileOptions } from '../src/index.js';

describe('the options', () => {
  const REFUSED: readonly [unknown, RegExp][] = [
    [{}, /directory must be the path of a folder, not undefined/],
    [undefined, /directory must be the path of a folder, not undefined/],
    [{ directory: 7 }, /directory must be the path of a folder, not 7/],
    [{ directory: 'x', sync: 'yes' }, /sync must be true or false, not "yes"/],
    [{ directory: 'x', positions: 'file' }, /positions must be 'source' or 'engine', not "file"/],
    [{ directory: 'x', clock: null }, /clock must be a Clock, not null/],
    [
      { directory: 'x', dir: 'y' },
      /there is no option dir; the options are directory, sync, positions, clock/,
    ],
  ];
  for (const [given, problem] of REFUSED) {
    it(`refuse ${JSON.stringify(given)}`, () => {
      assert.throws(() => file(given as FileOptions), problem);
    });
  }

  it('name all mistakes at once', () => {
    const given = { directory: '', sync: 1 } as unknown as FileOptions;
    assert.throws(() => file(given), /directory must be .*\n.*sync must be/);
  });
});
