import { describe, expect, it, onTestFinished } from 'vitest';
import { NATS_VERSIONS, type NatsVersion } from '../support/nats-binaries.js';
import type { StartNatsOptions } from '../support/nats-server.js';
import { needsNats, testNats } from '../support/nats.js';

const VERSIONS = ['floor', 'current'] as const;

async function started(options: StartNatsOptions) {
  const nats = await testNats(options);
  onTestFinished(() => nats.cleanup());
  return nats;
}

describe('NATS servers of the tests', needsNats(...VERSIONS), () => {
  it.each(VERSIONS)('are of the %s version', async (version: NatsVersion) => {
    const { client, server } = await started({ version });
    expect(client.info).toMatchObject({
      version: NATS_VERSIONS[version],
      jetstream: true,
      server_name: server.name,
    });
  });
});
