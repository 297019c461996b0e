import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { nats } from '../../lib/drivers/nats/nats.driver.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { driverContract } from '../../lib/testing/contracts/driver.contract.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { elapse } from '../support/passing-time.js';

const unique = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

describe('core NATS', needsNats(), () => {
  let server: TestNats;
  beforeAll(async () => {
    server = await testNats();
  });
  afterAll(() => server.cleanup());

  const driver = () => nats({ url: server.url, mode: 'core' });
  const harness = async (): Promise<DriverHarness> => ({
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      driver().open({ events, keyPrefix }),
    elapse,
    now: () => Date.now(),
    unique,
    close: async () => undefined,
  });
  driverContract({ describe, it }, 'core NATS', harness);
});
