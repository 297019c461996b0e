import { afterAll, beforeAll, describe } from 'vitest';
import { describeNatsContract } from '../support/nats-contract.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';

describe('the driver contract on the current version of NATS', needsNats('current'), () => {
  let server: TestNats;
  beforeAll(async () => {
    server = await testNats({ version: 'current' });
  });
  afterAll(() => server.cleanup());

  describeNatsContract('nats', () => ({ server, options: { url: server.url } }));
});
