import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { StreamPublisher, StreamsTransport } from 'nestjs-redis-streams';
import { expect, it, onTestFinished, vi } from 'vitest';
import { OrderController } from '../../sample/docs/tour/src/order.controller.js';
import { streams } from '../../sample/docs/tour/without-redis.js';
import { readPage } from '../support/doc-pages.js';
import { packPackage } from '../support/packed-package.js';
import { freePort } from '../support/free-port.js';
import { startRedis } from '../support/redis-server.js';
import { blocksOf, sectionOf } from '../support/snippets.js';
import { until } from '../support/until.js';

const SECTION = sectionOf(readPage('README.md'), 'First service');
const STARTED = 'Nest application successfully started';

/** What the commands of the tour run in: a folder of their own, and no variables of this run. */
class Newcomer {
  /** What the application has printed. */
  log = '';
  private folder: string;
  private stop: () => Promise<void> = async () => undefined;

  constructor(
    private readonly home: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    this.folder = home;
  }

  /** Runs lines of a shell to their end. A `cd` holds for the lines after them, too. */
  async run(script: string): Promise<string> {
    const place = join(this.home, 'folder');
    const child = spawn('sh', ['-ec', `${script}\npwd > ${place}`], {
      cwd: this.folder,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`${script}\nended with ${String(code)}:\n${said}`);
    this.folder = (await readFile(place, 'utf8')).trim();
    return said;
  }

  async write(file: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.folder, file)), { recursive: true });
    await writeFile(join(this.folder, file), `${text}\n`);
  }

  /** Starts what runs until it is stopped, with all processes that it starts in turn. */
  start(command: string): void {
    const child = spawn('sh', ['-c', command], {
      cwd: this.folder,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const take = (text: Buffer): void => void (this.log += text.toString());
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    // The pipes close with the last process of the group.
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    this.stop = async () => {
      const kill = (signal: NodeJS.Signals) => void process.kill(-child.pid!, signal);
      if (child.exitCode === null) kill('SIGTERM');
      const force = setTimeout(() => kill('SIGKILL'), 20_000);
      await closed;
      clearTimeout(force);
    };
  }

  async end(): Promise<void> {
    await this.stop();
    await rm(this.home, { recursive: true, force: true });
  }
}

/** The variables of a shell that was just opened: npm and vitest add their own to those of this run. */
function variables(own: Record<string, string>): NodeJS.ProcessEnv {
  const ours =
    /^(?:npm_(?:package|lifecycle|command|config_local_prefix)|VITEST|NODE_ENV|INIT_CWD)/;
  const given = Object.entries(process.env).filter(([name]) => !ours.test(name));
  const npm = { npm_config_audit: 'false', npm_config_prefer_offline: 'true' };
  return { ...Object.fromEntries(given), NO_COLOR: '1', ...npm, ...own };
}

it('the tour of the README works as it stands, from an empty folder to a handled message', async () => {
  const home = await mkdtemp(join(tmpdir(), 'streams-tour-'));
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const port = String(await freePort());
  const newcomer = new Newcomer(home, variables({ REDIS_URL: redis.url, PORT: port }));
  onTestFinished(() => newcomer.end());
  const { tarball } = await packPackage(home);

  const began = performance.now();
  const took: string[] = [];
  for (const { language, text, file } of blocksOf(SECTION)) {
    const since = performance.now();
    if (language === 'ts' && file === 'tour/without-redis.ts')
      continue; // below
    else if (language === 'ts' && file?.startsWith('tour/src/')) {
      await newcomer.write(file.replace('tour/', ''), text);
    } else if (language === 'text') {
      await until(
        `the log has "${text}"`,
        () => newcomer.log.includes(text),
        15_000,
        () => newcomer.log,
      );
    } else if (text === 'npm start') {
      newcomer.start(text);
      await until(
        STARTED,
        () => newcomer.log.includes(STARTED),
        60_000,
        () => newcomer.log,
      );
    } else if (language === 'sh' && text.startsWith('curl ')) {
      // Nest says that it has started just before it listens.
      const answer = await newcomer.run(
        text
          .replace('curl ', 'curl -s --retry 20 --retry-delay 1 --retry-connrefused ')
          .replace(':3000', `:${port}`),
      );
      expect(JSON.parse(answer)).toEqual({ id: expect.stringMatching(/^\d+-0$/) });
    } else if (language === 'sh') {
      await newcomer.run(text.replace('nestjs-redis-streams', tarball));
    } else throw new Error(`The test has no use for this block of the tour:\n${text}`);
    took.push(`${file ?? text.split('\n')[0]!}: ${seconds(since)}`);
  }
  console.log(`The tour of the README took ${seconds(began)}\n  ${took.join('\n  ')}`);
}, 600_000);

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

it('without Redis the order is packed, too', async () => {
  const module = await Test.createTestingModule({
    imports: [streams],
    controllers: [OrderController],
  }).compile();
  const log = vi.spyOn(Logger.prototype, 'log').mockReturnValue();
  onTestFinished(() => log.mockRestore());
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  await app.listen();
  onTestFinished(() => app.close());
  const order = { orderId: 'o-1', customerId: 'ada', total: 4200 };
  await app.get(StreamPublisher).publish('order.placed', order);
  await until('the order is packed', () =>
    log.mock.calls.some(([text]) => text === 'packing o-1 for ada'),
  );
});
