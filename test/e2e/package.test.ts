import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deadLinks } from '../support/doc-pages.js';
import { packPackage } from '../support/packed-package.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const NEST = ['@nestjs/common', '@nestjs/core', '@nestjs/microservices'];

/** What users get: the packed package, installed into applications that know nothing of this folder. */
describe.concurrent('the packed package', () => {
  let dir: string;
  let tarball: string;
  let files: readonly string[];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'streams-package-'));
    ({ tarball, files } = await packPackage(dir));
  });

  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('holds the build and what describes it', () => {
    const others = files.filter((file) => !/^(?:dist|docs|sample)\//.test(file)).toSorted();
    expect(others).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'config.schema.json',
      'monitoring/alerts.yml',
      'monitoring/dashboard.json',
      'package.json',
    ]);
    expect(files.filter((file) => file.startsWith('docs/') && !/\.(md|svg)$/.test(file))).toEqual(
      [],
    );
    const samples = files.filter((file) => file.startsWith('sample/'));
    expect(
      samples
        .filter((file) => !/^sample\/file-driver\/(src|test)\/[\w.-]+\.ts$/.test(file))
        .toSorted(),
    ).toEqual(
      ['README.md', 'package.json', 'tsconfig.build.json'].map(
        (name) => `sample/file-driver/${name}`,
      ),
    );
    expect(samples).toContain('sample/file-driver/src/feed.ts');
    expect(files).toContain('dist/index.d.ts');
    expect(files).toContain('dist/drivers/memory/index.d.ts');
    expect(files.filter((file) => !/\.(js|d\.ts)$/.test(file) && file.startsWith('dist/'))).toEqual(
      [],
    );
  });

  it('has what its pages link to', () => {
    const shipped = new Set(files);
    const ships = (file: string): boolean =>
      shipped.has(file) || files.some((path) => path.startsWith(`${file}/`));
    const pages = files.filter((file) => file.endsWith('.md'));
    expect(pages).toContain('docs/README.md');
    expect(pages.flatMap((page) => deadLinks(page, ships))).toEqual([]);
  });

  it.each<Application>([
    { name: 'an ESM application on the oldest Nest', type: 'module', nest: '12.0.1', peers: false },
    { name: 'an ESM application on the newest Nest', type: 'module', nest: '^12.0.0', peers: true },
    {
      name: 'a CommonJS application on the newest Nest',
      type: 'commonjs',
      nest: '^12.0.0',
      peers: true,
    },
  ])(
    'type-checks and works in $name, with the optional peers: $peers',
    { timeout: 300_000 },
    async (given) => {
      const { name, peers } = given;
      const app = await createApplication(join(dir, name.replaceAll(' ', '-')), given);
      console.log(`${name}: ${(await versions(app)).join(', ')}`);
      for (const peer of Object.keys(OPTIONAL_PEERS)) {
        expect(existsSync(join(app, 'node_modules', peer)), peer).toBe(peers);
      }
      const impossible = peers ? [] : IMPOSSIBLE.map(({ error }) => error);
      expect(await compileErrors(app)).toEqual(impossible);
      const { stdout } = await run(process.execPath, ['main.js'], { cwd: app, timeout: 30_000 });
      expect(stdout).toContain('handled order 7, attempt 1');
      if (peers) {
        const loads = await run(process.execPath, ['loads.mjs'], { cwd: app, timeout: 30_000 });
        expect(loads.stdout).toBe(
          '[] POSTGRES_CONNECTION ["pg"]\nNATS_CONNECTION ["@nats-io","pg"]\n' +
            'KAFKA_CONNECTION ["@nats-io","kafkajs","pg"]\n',
        );
        return;
      }
      const missing = await run(process.execPath, ['missing.js'], { cwd: app, timeout: 30_000 });
      expect(missing.stdout).toBe(
        'MISSING_PACKAGE The Redis driver needs the package "ioredis", which is not installed. Run: npm install ioredis\n'.repeat(
          2,
        ) +
          'MISSING_PACKAGE The PostgreSQL driver needs the package "pg", which is not installed. Run: npm install pg\n' +
          'MISSING_PACKAGE The NATS driver needs the package "@nats-io/transport-node", which is not installed. Run: npm install @nats-io/transport-node\n' +
          'MISSING_PACKAGE The Kafka driver needs the package "kafkajs", which is not installed. Run: npm install kafkajs\n' +
          'MISSING_PACKAGE loadConfig needs the package "yaml", which is not installed. Run: npm install yaml\n',
      );
    },
  );

  async function createApplication(app: string, given: Application): Promise<string> {
    const { type, nest, peers } = given;
    await mkdir(app, { recursive: true });
    await writeFile(join(app, 'main.ts'), mainOf(peers ? '' : '/core'));
    await writeFile(join(app, 'doors.ts'), DOORS);
    await (peers
      ? writeFile(join(app, 'loads.mjs'), LOADS)
      : writeFile(join(app, 'missing.js'), MISSING));
    await writeFile(
      join(app, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: COMPILER_OPTIONS }),
    );
    await writeFile(join(app, 'package.json'), JSON.stringify({ private: true, type }));
    const packages = [
      ...NEST.map((name) => `${name}@${nest}`),
      ...(peers ? Object.entries(OPTIONAL_PEERS).map((peer) => peer.join('@')) : []),
      'reflect-metadata@^0.2.2',
      'rxjs@^7.8.0',
      '@types/node@20',
      tarball,
    ];
    const flags = [
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--prefix',
      app,
    ];
    await run('npm', ['install', ...flags, ...packages], { cwd: app });
    return app;
  }
});

interface Application {
  readonly name: string;
  readonly type: 'module' | 'commonjs';
  readonly nest: string;
  /** Whether the optional peers are installed, and the root door used. */
  readonly peers: boolean;
}

/** As package.json has them, with the types of `pg`, which are a package of their own. */
const OPTIONAL_PEERS = {
  ioredis: '^6.0.0',
  pg: '^8.23.0',
  '@types/pg': '^8.15.0',
  yaml: '^2.9.0',
  '@nats-io/transport-node': '^3.4.0',
  '@nats-io/jetstream': '^3.4.0',
  '@nats-io/kv': '^3.4.0',
  kafkajs: '^2.2.4',
};

/** What does not compile with `skipLibCheck: false` where the optional peers are not installed. */
const IMPOSSIBLE = [
  {
    error:
      "node_modules/nestjs-redis-streams/dist/drivers/postgres/inbox/postgres.inbox.d.ts: Cannot find module 'pg' or its corresponding type declarations.",
    reason:
      'A handler gets its transaction as a client of pg, with all that pg can do. Who imports /postgres has pg and its types.',
  },
] as const;

/** One line for each error of the compiler, with the file. The output is written all the same. */
async function compileErrors(app: string): Promise<string[]> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', '.'], { cwd: app }).catch(
    (error: { stdout: string }) => error,
  );
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => line.replace(/\(\d+,\d+\): error TS\d+/, ''));
}

async function versions(app: string): Promise<string[]> {
  return Promise.all(
    NEST.map(async (name) => {
      const text = await readFile(join(app, 'node_modules', name, 'package.json'), 'utf8');
      return `${name} ${(JSON.parse(text) as { version: string }).version}`;
    }),
  );
}

const COMPILER_OPTIONS = {
  target: 'es2023',
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
};

/** Type-checks all of each door: `skipLibCheck` is off. */
const DOORS = `
import * as config from 'nestjs-redis-streams/config';
import * as core from 'nestjs-redis-streams/core';
import * as driver from 'nestjs-redis-streams/driver';
import * as health from 'nestjs-redis-streams/health';
import * as memory from 'nestjs-redis-streams/memory';
import * as kafka from 'nestjs-redis-streams/kafka';
import * as kafkaPostgres from 'nestjs-redis-streams/kafka-postgres';
import * as metrics from 'nestjs-redis-streams/metrics';
import * as nats from 'nestjs-redis-streams/nats';
import * as natsRedis from 'nestjs-redis-streams/nats-redis';
import * as postgres from 'nestjs-redis-streams/postgres';
import * as testing from 'nestjs-redis-streams/testing';
import * as tracing from 'nestjs-redis-streams/tracing';
import * as root from 'nestjs-redis-streams';

const doors = [config, core, driver, health, kafka, kafkaPostgres, memory, metrics, nats, natsRedis, postgres, testing, tracing, root];
export default doors;
`;

/** In an ESM application without the optional peers: the root door can be imported, and says what is missing. */
const MISSING = `
import { RedisStreamsClient, RedisStreamsTransport } from 'nestjs-redis-streams';
import { loadConfig } from 'nestjs-redis-streams/config';
import { EventBus } from 'nestjs-redis-streams/driver';
import { kafka } from 'nestjs-redis-streams/kafka';
import { nats } from 'nestjs-redis-streams/nats';
import { postgres } from 'nestjs-redis-streams/postgres';

const options = { url: 'redis://127.0.0.1:1', group: 'test' };
const tell = ({ code, message }) => console.log(code, message);
const transport = new RedisStreamsTransport(options);
transport.addHandler('order.process', () => undefined, true);
await new Promise((resolve) => transport.listen((error) => (tell(error), resolve())));
const client = new RedisStreamsClient(options);
await client.emit('order.process', {}).toPromise().catch(tell);
await client.close();
const events = new EventBus();
for (const fails of [
  () => postgres({ url: 'postgres://127.0.0.1:1/none' }).open({ events, keyPrefix: '' }),
  () => nats().open({ events, keyPrefix: '' }),
  () => kafka().open({ events, keyPrefix: '' }),
  () => loadConfig('consumer.yaml'),
]) {
  try {
    fails();
  } catch (error) {
    tell(error);
  }
}
`;

/** Tells whether pg and the clients of NATS and Kafka are loaded: by the doors, and by drivers that are used. */
const LOADS = `
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import 'nestjs-redis-streams';
import { loadConfig } from 'nestjs-redis-streams/config';
import { EventBus } from 'nestjs-redis-streams/driver';
import { kafka } from 'nestjs-redis-streams/kafka';
import { kafkaPostgres } from 'nestjs-redis-streams/kafka-postgres';
import { nats } from 'nestjs-redis-streams/nats';
import { natsRedis } from 'nestjs-redis-streams/nats-redis';
import { postgres } from 'nestjs-redis-streams/postgres';

const { cache } = createRequire(import.meta.url);
const loaded = () => {
  const packages = Object.keys(cache).map((file) => /node_modules.(pg|@nats-io|kafkajs)./.exec(file)?.[1]);
  return JSON.stringify([...new Set(packages)].filter(Boolean).sort());
};
natsRedis();
kafkaPostgres();
const url = 'postgres://127.0.0.1:1/none';
const source = JSON.stringify({ driver: 'postgres', config: { url } });
writeFileSync('consumer.yaml', \`slots: { message_source: \${source} }\`);
loadConfig('consumer.yaml');
const factory = postgres({ url });
const before = loaded();
const driver = factory.open({ events: new EventBus(), keyPrefix: '' });
const code = await driver.state.get('key').catch((error) => error.code);
console.log(before, code, loaded());
await driver.source.close();
const away = nats({ url: 'nats://127.0.0.1:1', connectTimeout: 100 });
const other = away.open({ events: new EventBus(), keyPrefix: '' });
console.log(await other.state.get('key').catch((error) => error.code), loaded());
await other.source.close();
const missing = kafka({ brokers: ['127.0.0.1:1'], connectTimeout: 500 });
const third = missing.open({ events: new EventBus(), keyPrefix: '' });
const [result] = await third.source.publish([{ stream: 's', fields: ['payload', '1'] }]);
console.log(result.code, loaded());
await third.source.close();
`;

const mainOf = (door: string): string => `
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type AsyncMicroserviceOptions, Ctx, Payload } from '@nestjs/microservices';
import {
  StreamConsumers,
  StreamContext,
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams${door}';
import { memory } from 'nestjs-redis-streams/memory';

interface Order {
  id: number;
}

let handled: (line: string) => void;
const line = new Promise<string>((resolve) => (handled = resolve));

@Controller()
class OrderController {
  @StreamHandler<Order>('order.process', { dedupe: { key: ({ payload }) => String(payload.id) } })
  process(@Payload() order: Order, @Ctx() context: StreamContext): void {
    handled(\`handled order \${order.id}, attempt \${context.attempt}\`);
  }
}

const driver = memory();

@Module({
  imports: [
    StreamsModule.forRoot({ slots: { messageSource: driver, stateStore: driver }, group: 'test' }),
  ],
  controllers: [OrderController],
})
class AppModule {}

export function consume(consumers: StreamConsumers): Promise<void> {
  const consumer = consumers.create<{ 'order.process': Order; note: string }>({ stream: 'orders' });
  // @ts-expect-error -- a note is a text
  void consumer.start(({ payload }) => payload.id > 0, ['note']);
  return consumer.start((message) => message.eventType === 'note' || message.payload.id > 0);
}

// @ts-expect-error -- an option that has another type
const wrong: Parameters<typeof StreamsModule.forRoot>[0] = { slots: { messageSource: memory() }, group: 7 };

async function main(): Promise<void> {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule, {
    inject: [StreamsTransport],
    useFactory: (strategy: StreamsTransport) => ({ strategy }),
  });
  await app.listen();
  await app.get(StreamPublisher).publish('order.process', { id: 7 });
  console.log(await line);
  await app.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
`;
