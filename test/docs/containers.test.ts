import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { StreamsTransport } from 'nestjs-redis-streams';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { compileSample } from '../support/compiled-sample.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { quiet } from '../support/passing-time.js';
import { until } from '../support/until.js';

const SAMPLE = fileURLToPath(new URL('../../sample/docs/containers', import.meta.url));
/** What runs the command as process 1, as a container does. Ended, it takes all other processes along. */
const AS_PID_1 = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child'];

/** What inits such as tini do with a SIGTERM: they pass it on to their child, and end after it. */
const INIT = `
  import { spawn } from 'node:child_process';
  const [command, ...args] = process.argv.slice(2);
  const child = spawn(command, args, { stdio: 'inherit' });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.once('exit', (code) => process.exit(code ?? 143));
`;

let app: string;
let server: RedisServer;
let databases = 0;

beforeAll(async () => {
  server = await startRedis();
  app = await mkdtemp(join(tmpdir(), 'streams-container-'));
  await compileSample('containers', app);
  await writeFile(join(app, 'init.js'), INIT);
  const main = await readFile(join(app, 'dist/main.js'), 'utf8');
  const unhooked = main.replace(/app\.enableShutdownHooks\(.*\);/, '');
  await writeFile(join(app, 'dist/unhooked.js'), unhooked);
  return async () => {
    await server.stop();
    await rm(app, { recursive: true, force: true });
  };
});

/** A container in which the handler is at work on a message. */
class Container {
  said = '';
  readonly ended: Promise<unknown[]>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly redis: Redis,
  ) {
    this.ended = once(child, 'exit');
    for (const output of [child.stdout!, child.stderr!]) {
      output.on('data', (text: Buffer) => (this.said += text.toString()));
    }
  }

  static async busy(
    command: readonly string[],
    packingMs: number,
    unshare: readonly string[] = AS_PID_1,
  ): Promise<Container> {
    const url = `${server.url}/${++databases}`;
    const redis = new Redis(url);
    onTestFinished(() => redis.disconnect());
    const child = spawn('unshare', [...unshare, ...command], {
      cwd: app,
      env: {
        ...process.env,
        REDIS_URL: url,
        PORT: '0',
        PACKING_MS: String(packingMs),
        POD_NAME: 'parcels-7',
      },
    });
    const container = new Container(child, redis);
    onTestFinished(() => void child.kill('SIGKILL'));
    const payload = JSON.stringify({ orderId: 'o-1', customerId: 'c-1', total: 1 });
    await redis.xadd('order.paid', '*', 'event_type', 'order.paid', 'payload', payload);
    await until('the handler is at work', () => container.said.includes('packing o-1'));
    return container;
  }

  get packed(): boolean {
    return this.said.includes('packed o-1');
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What `docker stop` and Kubernetes do first. */
  async stop(): Promise<void> {
    const { pid } = this.child;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    process.kill(Number(children.trim()), 'SIGTERM');
  }

  /** The names of the group's consumers. */
  async consumers(): Promise<string[]> {
    const consumers = (await this.redis.xinfo('CONSUMERS', 'order.paid', 'parcels')) as string[][];
    return consumers.map(([, name]) => name!);
  }

  async pending(): Promise<number> {
    const [count] = (await this.redis.xpending('order.paid', 'parcels')) as [number];
    return count;
  }
}

/** Longer than a test takes, ms. */
const LONG = 120_000;
/** A test starts up to four processes, one after the other. */
const TIME = { timeout: 60_000 };
const probe = spawnSync('unshare', [...AS_PID_1, 'true'], { encoding: 'utf8' });
const refused = probe.error?.message ?? (probe.status === 0 ? undefined : probe.stderr);

describe.skipIf(refused !== undefined)('a SIGTERM to process 1 (needs unshare)', () => {
  it.each([
    ['node', ['node', 'dist/main.js']],
    ['a shell that runs exec node', ['sh', '-c', 'exec node dist/main.js']],
    ['an init that runs node', ['node', 'init.js', 'node', 'dist/main.js']],
  ])('%s: the handler ends its message', TIME, async (_, command) => {
    const container = await Container.busy(command, 1_000);
    expect(await container.consumers()).toEqual([expect.stringMatching(/^parcels-7-\d+-\w+$/)]);
    await container.stop();
    expect(await container.ended).toEqual([0, null]);
    expect(container.packed).toBe(true);
    expect(await container.pending()).toBe(0);
  });

  it.each([
    ['npm', ['npm', 'start']],
    ['an init that runs a shell', ['node', 'init.js', 'sh', '-c', 'node dist/main.js; true']],
  ])('%s: ends, and takes the handler along', TIME, async (_, command) => {
    const container = await Container.busy(command, LONG);
    await container.stop();
    await container.ended;
    expect(container.packed).toBe(false);
    expect(await container.pending()).toBe(1);
  });

  it.each([
    ['a shell', ['sh', '-c', 'node dist/main.js; true']],
    ['node, without enableShutdownHooks', ['node', 'dist/unhooked.js']],
  ])('%s: nothing happens', TIME, async (_, command) => {
    const container = await Container.busy(command, 500);
    await container.stop();
    await until('the handler has gone on', () => container.packed);
    await quiet(500);
    expect(container.running).toBe(true);
  });
});

it(
  'the application writes no file: it runs on a file system that is read only',
  TIME,
  async (context) => {
    const mounts = ['--mount', '--pid', '--fork', '--kill-child'];
    const readOnly = 'mount --bind / / && mount -o remount,ro,bind /';
    const tried = spawnSync('unshare', [...mounts, 'sh', '-c', readOnly]);
    context.skip(tried.status !== 0, 'needs the right to mount');
    const command = ['sh', '-c', `${readOnly} && ! touch tried 2>&1 && exec node dist/main.js`];
    const container = await Container.busy(command, 100, mounts);
    await container.stop();
    expect(await container.ended).toEqual([0, null]);
    expect(await container.pending()).toBe(0);
  },
);

it('the probes say whether the process answers, and whether Redis does', async () => {
  const other = await startRedis();
  onTestFinished(() => other.stop());
  vi.stubEnv('REDIS_URL', other.url);
  const { AppModule } = await import('../../sample/docs/containers/app.module.js');
  const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
  module.useLogger(false);
  const nest = module.createNestApplication();
  onTestFinished(() => nest.close());
  nest.connectMicroservice({ strategy: nest.get(StreamsTransport) });
  await nest.startAllMicroservices();
  await nest.listen(0, '127.0.0.1');
  const url = await nest.getUrl();
  const ask = async (probe: string) => (await fetch(`${url}/health/${probe}`)).status;
  expect([await ask('live'), await ask('ready')]).toEqual([200, 200]);
  await other.kill();
  await until('it is not ready', async () => (await ask('ready')) === 503);
  expect(await ask('live')).toBe(200);
  await other.start();
  await until('it is ready again', async () => (await ask('ready')) === 200);
});

it.each([
  ['deployment.yaml', /terminationGracePeriodSeconds: (\d+)/],
  ['compose.yaml', /stop_grace_period: (\d+)s/],
])('%s leaves more time than the application takes to close', async (file, setting) => {
  const manifest = await readFile(join(SAMPLE, file), 'utf8');
  const module = await readFile(join(SAMPLE, 'app.module.ts'), 'utf8');
  const seconds = Number(setting.exec(manifest)?.[1]);
  const gracePeriod = Number(/gracePeriod: ([\d_]+)/.exec(module)?.[1]?.replaceAll('_', ''));
  expect(gracePeriod).toBeLessThanOrEqual(seconds * 1_000 - 5_000);
});
