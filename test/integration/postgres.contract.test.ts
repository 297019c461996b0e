import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { describeDriverContract } from '../contracts/driver.contract.js';
import { elapse } from '../support/passing-time.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

const unique = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

async function harness(): Promise<DriverHarness> {
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      postgres({ url: server.url }).open({ events, keyPrefix }),
    elapse,
    now: () => Date.now(),
    unique,
    trim: async (stream, id) => {
      await server.pool.query(
        `delete from streams.message using streams.stream
          where stream.id = message.stream and stream.name = $1 and message.id = $2`,
        [stream, id],
      );
    },
    close: async () => undefined,
  };
}

describeDriverContract('postgres', harness, () => ({
  source: postgres({ url: server.url }),
  keyPrefix: '',
  unique,
}));
