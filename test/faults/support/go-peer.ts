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

/** A program, or why there is none. */
export type Built = { readonly binary: string } | { readonly missing: string };

/** Go programs, built once into a directory of their own. */
export class GoPeers {
  private constructor(
    readonly standIn: Built,
    readonly publicModule: Built,
    private readonly directory: string,
  ) {}

  static async build(): Promise<GoPeers> {
    const directory = await mkdtemp(join(tmpdir(), 'streams-go-'));
    const standIn = await buildOne(directory, 'standin', []);
    const publicModule =
      'missing' in standIn ? standIn : await buildOne(directory, 'public', ['standin/work.go']);
    return new GoPeers(standIn, publicModule, directory);
  }

  clean(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}

async function buildOne(directory: string, name: string, also: readonly string[]): Promise<Built> {
  const here = join(directory, name);
  await cp(join(sources, name), here, { recursive: true });
  for (const file of also) await cp(join(sources, file), join(here, file.split('/').at(-1)!));
  const go = (...args: string[]) => run('go', args, { cwd: here, timeout: 280_000 });
  try {
    await go('version');
  } catch {
    return { missing: 'there is no Go' };
  }
  try {
    await (also.length > 0 ? go('mod', 'tidy') : go('mod', 'download'));
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    // Without the place that it was asked of.
    const reason = /(\d{3} \w+|not found|no such host|timeout)/i.exec(stderr ?? '')?.[0];
    return { missing: `its modules could not be had (${reason ?? 'see go mod tidy'})` };
  }
  const binary = join(here, 'peer');
  await go('build', '-o', binary, '.');
  return { binary };
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

  constructor(binary: string, port: number, name: string, service: string, protocol = 'locks') {
    this.child = spawn(binary, {
      env: {
        ...process.env,
        REDIS_ADDR: `127.0.0.1:${port}`,
        SERVICE: service,
        POD_NAME: name,
        PROTOCOL: protocol,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
    createInterface({ input: this.child.stdout! }).on('line', (line) =>
      this.said.push(JSON.parse(line) as PeerLine),
    );
  }

  ready(): Promise<void> {
    return until('the Go peer is there', () => this.of('ready').length > 0);
  }

  of(event: string): PeerLine[] {
    return this.said.filter((line) => line.event === event);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
