import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DamagedFileError } from '../src/index.js';
import { Directory, publish, subscribe, valuesOf } from './directory.js';

const STREAM_FILE = 'streams/orders.jsonl';
const JOURNAL = 'journal.jsonl';

describe('a damaged file', () => {
  let directory: Directory;

  beforeEach(async () => {
    directory = new Directory();
    const driver = directory.open();
    await publish(driver, 'a', 'b');
    await driver.state!.set('key', 'value');
    await (await subscribe(driver)).pull(1);
    await directory.closeDrivers();
  });
  afterEach(() => directory.remove());

  for (const name of [STREAM_FILE, JOURNAL]) {
    it(`is repaired where the last line of ${name} is unfinished`, async () => {
      const whole = directory.read(name);
      directory.write(name, `${whole}{"id":3,"publ`);
      const driver = directory.open();
      assert.match(directory.warnings.join('\n'), /ended in a line of 13 bytes/);
      assert.equal(directory.read(name), whole);
      await publish(driver, 'c');
      const leases = await (await subscribe(driver)).pull(10);
      assert.deepEqual(valuesOf(leases), ['a', 'b', 'c']);
      assert.equal(await driver.state!.get('key'), 'value');
    });

    it(`is refused where another line of ${name} is no JSON`, () => {
      const lines = directory.read(name).split('\n');
      directory.write(name, [lines[0], '{"id":', ...lines.slice(1)].join('\n'));
      assert.throws(
        () => directory.open(),
        (error: DamagedFileError) => {
          assert.equal(error.code, 'FILE_DAMAGED');
          assert.ok(error.file.endsWith(name));
          assert.equal(error.line, 2);
          assert.match(error.message, /line 2: the line is no JSON/);
          return true;
        },
      );
    });
  }

  it('can be opened once the line was corrected', async () => {
    const whole = directory.read(JOURNAL);
    directory.write(JOURNAL, `broken\n${whole}`);
    assert.throws(() => directory.open(), DamagedFileError);
    directory.write(JOURNAL, whole);
    assert.equal(await directory.open().state!.get('key'), 'value');
  });

  const ODD = [
    [STREAM_FILE, '5', 'the line is no entry with id, publishedAt and fields'],
    [STREAM_FILE, '{"id":9,"publishedAt":1}', 'the line is no entry'],
    [STREAM_FILE, '{"id":1,"publishedAt":1,"fields":[]}', 'the id 1 does not come after 2'],
    [STREAM_FILE, '"\u0000"', 'the line is no JSON'],
    [JOURNAL, '{"do":"set"}', 'the line is no list of changes'],
    [JOURNAL, '[{"do":"constructor"}]', 'the line is no list of changes'],
    [JOURNAL, '[null]', 'the line is no list of changes'],
  ] as const;
  for (const [name, line, problem] of ODD) {
    it(`is refused where a line of ${name} is ${JSON.stringify(line)}`, () => {
      directory.write(name, `${directory.read(name)}${line}\n`);
      assert.throws(() => directory.open(), new RegExp(problem));
    });
  }
});
