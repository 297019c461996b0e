import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { rolldown } from 'rolldown';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { compileSample } from '../support/compiled-sample.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const { resolve } = createRequire(import.meta.url);

let server: RedisServer;
let app: string;
beforeAll(async () => {
  server = await startRedis();
  app = await mkdtemp(join(tmpdir(), 'streams-bundling-'));
  await compileSample('containers', app);
  await cp(join(root, 'sample/docs/bundling'), app, { recursive: true });
  await symlink(dirname(resolve('rolldown/package.json')), join(app, 'node_modules/rolldown'));
  // The site's builder brings it.
  const esbuild = createRequire(resolve('vitepress/package.json')).resolve('esbuild/package.json');
  await symlink(dirname(esbuild), join(app, 'node_modules/esbuild'));
  return async () => {
    await server.stop();
    await rm(app, { recursive: true, force: true });
  };
});

it.each([
  ['esbuild', ['esbuild.config.js']],
  ['rolldown', ['node_modules/rolldown/bin/cli.mjs', '-c', 'rolldown.config.js']],
])(
  'a bundle made by %s runs without node_modules, handles, and ends at a SIGTERM',
  { timeout: 60_000 },
  async (name, command) => {
    await run(process.execPath, command, { cwd: app });
    const folder = await mkdtemp(join(tmpdir(), 'streams-bundle-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await copyFile(join(app, 'bundle/main.mjs'), join(folder, 'main.mjs'));

    const redis = new Redis(server.url);
    onTestFinished(() => redis.disconnect());
    await redis.flushall();
    const payload = JSON.stringify({ orderId: name, customerId: 'c-1', total: 1 });
    await redis.xadd('order.paid', '*', 'event_type', 'order.paid', 'payload', payload);
    const child = spawn(process.execPath, ['main.mjs'], {
      cwd: folder,
      env: { ...process.env, REDIS_URL: server.url, PORT: '0', PACKING_MS: '10' },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    await until('it is handled', () => said.includes(`packed ${name}`));
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    const [pending] = (await redis.xpending('order.paid', 'parcels')) as [number];
    expect(pending).toBe(0);
  },
);

it(
  'in a bundle, too, a slot may call the Redis driver by its name',
  { timeout: 60_000 },
  async () => {
    const input = join(app, 'by-name.mjs');
    const file = join(app, 'by-name.bundle.mjs');
    await writeFile(
      input,
      `import { StreamsTransport } from 'nestjs-redis-streams';
    const slots = { messageSource: { driver: 'redis' } };
    await new StreamsTransport({ group: 'g', slots }).close();
    console.log('known');`,
    );
    const bundle = await rolldown({
      input,
      platform: 'node',
      external: /^(@nestjs|ioredis|reflect-metadata|rxjs)(\/|$)/,
    });
    await bundle.write({ file, format: 'esm', codeSplitting: false });
    await bundle.close();
    expect((await run(process.execPath, [file])).stdout).toContain('known');
  },
);
