import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DirectoryInUseError } from '../src/index.js';
import { Directory, publish, subscribe, valuesOf } from './directory.js';

/** A process that does nothing. */
async function idleProcess() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  const end = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { pid: child.pid!, end };
}

describe('a directory', () => {
  let directory: Directory;

  beforeEach(() => void (directory = new Directory()));
  afterEach(() => directory.remove());

  const lockedBy = (pid: number, host = hostname()) =>
    directory.write('lock', JSON.stringify({ host, pid, token: 'x' }));

  it('is refused to a second process while the first one lives, and taken once it is dead', async () => {
    const first = await idleProcess();
    lockedBy(first.pid);
    assert.throws(
      () => directory.open(),
      (error: DirectoryInUseError) => {
        assert.equal(error.code, 'FILE_DIRECTORY_IN_USE');
        assert.match(error.message, new RegExp(`in use by process ${first.pid} on`));
        return true;
      },
    );
    await first.end();
    assert.deepEqual(await publish(directory.open(), 'a'), ['1']);
    assert.equal(JSON.parse(directory.read('lock')).pid, process.pid);
  });

  it('is refused where a process of another machine has it', () => {
    lockedBy(process.pid, 'elsewhere');
    assert.throws(() => directory.open(), /If you are sure .* delete .*lock/);
  });

  it('is refused where the lock names no process', () => {
    directory.write('lock', 'broken');
    assert.throws(() => directory.open(), DirectoryInUseError);
  });

  it('is taken from an earlier process that had the same pid, as in a container', async () => {
    lockedBy(process.pid);
    assert.deepEqual(await publish(directory.open(), 'a'), ['1']);
  });

  it('is shared by the drivers of a process, and free once all are closed', async () => {
    const [one, other] = [directory.open(), directory.open()];
    await publish(one, 'a');
    await one.source.close();
    await one.source.close();
    assert.deepEqual(valuesOf(await (await subscribe(other)).pull(10)), ['a']);
    await other.source.close();
    assert.throws(() => directory.read('lock'), /ENOENT/);
    const [refused] = await publish(other, 'b');
    assert.equal((refused as Error & { code: string }).code, 'CLOSED');
  });

  it('has one value of sync in a process', () => {
    directory.open({ sync: false });
    assert.throws(
      () => directory.open({ sync: true }),
      /is open in this process with another sync/,
    );
  });
});
