import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../../support/until.js';

const run = promisify(execFile);
const sources = fileURLToPath(new URL('../../support/go-peer', import.meta.url));
const MODULE = 'github.com/handcoding-labs/redis-stream-client-go';

/** A program and what it is made of, or why there is none. */
export type Built =
  { readonly binary: string; readonly version: string } | { readonly missing: string };

/** Go programs, built once into a directory of their own. */
export class GoPeers {
  private constructor(
    readonly standIn: Built,
    readonly publicModule: Built,
    private readonly directory: string,
  ) {}

  static async build(): Promise<GoPeers> {
    const directory = await mkdtemp(join(tmpdir(), 'streams-go-'));
    const standIn = await buildOne(directory, 'standin');
    const publicModule = 'missing' in standIn ? standIn : await buildOne(directory, 'public');
    return new GoPeers(standIn, publicModule, directory);
  }

  clean(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}

/** What cannot be fetched is missing; what does not compile is an error. */
async function buildOne(directory: string, name: 'standin' | 'public'): Promise<Built> {
  const here = join(directory, name);
  for (const part of ['program', name]) {
    await cp(join(sources, part), here, { recursive: true });
  }
  const go = (...args: string[]) => run('go', args, { cwd: here, timeout: 280_000 });
  try {
    await go('version');
  } catch {
    return { missing: 'there is no Go' };
  }
  try {
    // The newest release, with what it asks for itself, and only what is needed to compile it.
    await (name === 'public' ? go('get', `${MODULE}/impl@latest`) : go('mod', 'download'));
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    // Without the place that it was asked of.
    const reason = /(\d{3} \w+|not found|no such host|timeout)/i.exec(stderr ?? '')?.[0];
    return { missing: `its modules could not be had (${reason ?? 'see go get'})` };
  }
  const binary = join(here, 'peer');
  await go('build', '-o', binary, '.');
  const { stdout } = await go('list', '-m', name === 'public' ? MODULE : 'standin');
  return { binary, version: stdout.trim() };
}

export interface PeerLine {
  readonly event: string;
  readonly stream?: string;
  readonly n: number;
}

/** A consumer in Go. */
export class GoPeer {
  readonly said: PeerLine[] = [];
  readonly ended: Promise<unknown>;
  private readonly child: ChildProcess;

  constructor(
    binary: string,
    port: number,
    name: string,
    service: string,
    env: Readonly<Record<string, string>> = {},
  ) {
    this.child = spawn(binary, {
      env: {
        ...process.env,
        REDIS_ADDR: `127.0.0.1:${port}`,
        SERVICE: service,
        POD_NAME: name,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
    // Some versions of the public module log to the same place.
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      const said = line.startsWith('{') ? (JSON.parse(line) as PeerLine) : undefined;
      if (said?.event) this.said.push(said);
    });
  }

  async ready(): Promise<void> {
    const ended = this.ended.then(() => Promise.reject(new Error('the Go peer did not start')));
    await Promise.race([until('the Go peer is there', () => this.of('ready').length > 0), ended]);
    ended.catch(() => undefined);
  }

  of(event: string): PeerLine[] {
    return this.said.filter((line) => line.event === event);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
