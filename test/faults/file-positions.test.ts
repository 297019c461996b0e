import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import type { CommitsOptions } from '../../lib/options/commits-options.js';
import { compileFolder } from '../support/compiled-sample.js';

const WORKER = fileURLToPath(new URL('support/file-worker.js', import.meta.url));
const COUNT = 40;
const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

/** What file-worker.js does. Messages have numbers, from 1. */
interface FileWorkerOptions {
  readonly commits?: CommitsOptions;
  /** Publishes so many messages before it reads. */
  readonly publish?: number;
  /** Calls `context.commit()` in the runs of these messages. */
  readonly commitAt?: readonly number[];
  /** Kills itself in the run of this message. */
  readonly dieAt?: number;
  /** Closes once this message was run. */
  readonly endAt?: number;
}

let folder: string;
let directory: string;
let turn = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-file-positions-'));
  await compileFolder('sample/file-driver/src', folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => void (directory = join(folder, `data-${++turn}`)));

/**
 * Runs a process until it ends. Returns the numbers of its runs, the signal that killed it, and the
 * position that was committed then.
 */
async function work(options: FileWorkerOptions) {
  const ledger = join(folder, `ledger-${++turn}`);
  const position = join(folder, `position-${turn}`);
  for (const file of [ledger, position]) await writeFile(file, '');
  const driver = pathToFileURL(join(folder, 'dist/index.js')).href;
  const config = { directory, positions: 'engine', sync: false };
  const given = JSON.stringify({ driver, config, ledger, position, ...options });
  const child = spawn(process.execPath, [WORKER, given], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  const runs = (await readFile(ledger, 'utf8')).trim().split('\n').map(Number);
  return { runs, signal, position: Number(await readFile(position, 'utf8')) };
}

it(
  'a source without positions: a process that is killed between two commits repeats what was not committed, and loses nothing',
  { timeout: 60_000 },
  async () => {
    const commits = { auto: false };
    const commitAt = [10, 20, 30, COUNT];
    const first = await work({ commits, commitAt, publish: COUNT, dieAt: 26 });
    expect(first).toMatchObject({ runs: upTo(26), signal: 'SIGKILL' });
    expect(first.position).toBeGreaterThanOrEqual(20);
    expect(first.position).toBeLessThan(26);

    const second = await work({ commits, commitAt, dieAt: 37 });
    expect(second).toMatchObject({ runs: upTo(37, first.position + 1), signal: 'SIGKILL' });
    expect(second.position).toBeGreaterThanOrEqual(30);

    const third = await work({ commits, commitAt, endAt: COUNT });
    expect(third).toMatchObject({ runs: upTo(COUNT, second.position + 1), signal: null });
    const last = await work({ commits, publish: 1, endAt: 1 });
    expect(last.runs).toEqual([1]);
  },
);

it(
  'with auto commits a shutdown commits everything, and a kill repeats at most what the interval holds',
  { timeout: 60_000 },
  async () => {
    const commits = { interval: 60_000 };
    const first = await work({ commits, publish: 10, endAt: 10 });
    expect(first).toMatchObject({ runs: upTo(10), signal: null });
    const second = await work({ commits, publish: 10, dieAt: 6 });
    expect(second).toMatchObject({ runs: upTo(6), signal: 'SIGKILL' });
    const third = await work({ commits, endAt: 10 });
    expect(third).toMatchObject({ runs: upTo(10), signal: null });
  },
);
