import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { SuiteOptions } from 'vitest';
import { missingNats, type NatsVersion } from './nats-binaries.js';
import type { NatsLogin } from './nats-auth.js';
import { startNats, type NatsServer, type StartNatsOptions } from './nats-server.js';

export interface TestNats {
  readonly url: string;
  readonly server: NatsServer;
  /** A connection of the test itself, which reconnects for ever. */
  readonly client: NatsConnection;
  /** Closes the connection and stops the server. */
  cleanup(): Promise<void>;
}

export interface TestNatsOptions extends StartNatsOptions {
  /** How clients log in, one of those in nats-auth.ts. Default: anyhow. */
  readonly login?: NatsLogin;
}

/** A private server for one test file, with JetStream and nothing in it. */
export async function testNats({ login, ...options }: TestNatsOptions = {}): Promise<TestNats> {
  const config = { ...options.config, ...login?.server.config };
  const server = await startNats({ ...options, ...login?.server, config });
  const url = server.url();
  const reconnecting = { maxReconnectAttempts: -1, reconnectTimeWait: 50 };
  const client = await connect({ servers: url, ...reconnecting, ...login?.client });
  return {
    url,
    server,
    client,
    async cleanup() {
      await client.close();
      await server.stop();
    },
  };
}

/**
 * Options of the `describe` around all that a file of NATS tests has: where the servers are missing, the
 * tests and their hooks are left out, and the test run names them with the reason.
 *
 *     describe('streams of NATS', needsNats('floor', 'current'), () => { … });
 *
 * @param versions that the tests start; default the floor
 */
export function needsNats(...versions: readonly NatsVersion[]): SuiteOptions {
  const missing = missingNats(...(versions.length > 0 ? versions : (['floor'] as const)));
  return missing === undefined ? {} : { skip: true, meta: { notRun: missing } };
}

declare module 'vitest' {
  interface TaskMeta {
    /** Why a test was left out: the test run prints it. */
    notRun?: string;
  }
}
