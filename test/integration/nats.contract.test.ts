import { afterAll, beforeAll, describe } from 'vitest';
import { describeNatsContract } from '../support/nats-contract.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';

describe('the driver contract on NATS', needsNats(), () => {
  let server: TestNats;
  beforeAll(async () => {
    server = await testNats();
  });
  afterAll(() => server.cleanup());

  describeNatsContract('nats', () => ({ server, options: { url: server.url } }));
});
