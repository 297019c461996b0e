import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { StreamPublisher } from 'nestjs-redis-streams';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Authority } from '../support/certificates.js';
import { readPage } from '../support/doc-pages.js';
import { startRedis } from '../support/redis-server.js';
import { blocksOf } from '../support/snippets.js';
import { hasTls, startTlsRedis } from '../support/tls-redis.js';

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

it('the rules are those that the page shows, and a server takes them', async () => {
  const log = vi.spyOn(console, 'log').mockReturnValue(undefined);
  await import('../../sample/docs/security/acl.js');
  const [line] = log.mock.calls.map(([text]) => String(text));
  vi.restoreAllMocks();
  const shown = blocksOf(readPage('docs/security.md')).find(({ text }) =>
    text.startsWith('ACL SETUSER'),
  );
  expect(words(shown!.text)).toEqual(words(line!));

  const server = await startRedis();
  onTestFinished(() => server.stop());
  const redis = new Redis(server.url);
  onTestFinished(() => redis.disconnect());
  const rules = words(line!).slice(3);
  expect(await redis.call('ACL', 'SETUSER', 'shop', ...rules)).toBe('OK');
});

it.skipIf(!hasTls())(
  'the module connects with the certificate of a private authority (needs a redis-server that was built with TLS)',
  async () => {
    const authority = new Authority();
    const args = ['--tls-auth-clients', 'no'];
    const server = await startTlsRedis(authority.issue('localhost'), authority.cert, { args });
    onTestFinished(() => server.stop());
    const folder = await mkdtemp(join(tmpdir(), 'streams-ca-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'ca.pem'), authority.cert);
    vi.stubEnv('REDIS_URL', `rediss://localhost:${server.port}`);
    vi.stubEnv('REDIS_CA', join(folder, 'ca.pem'));
    const { AppModule } = await import('../../sample/docs/security/app.module.js');
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    onTestFinished(() => module.close());
    expect(await module.get(StreamPublisher).publish('order.placed', {})).toMatch(/^\d+-\d+$/);
  },
);
