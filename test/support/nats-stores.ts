import { EventBus } from '../../lib/core/event-bus.js';
import type { DriverParts } from '../../lib/drivers/nats/connection/driver-parts.js';
import { NatsConnection } from '../../lib/drivers/nats/connection/nats-connection.js';
import {
  DEFAULT_STREAMS,
  NATS_OPTIONS,
  type NatsOptions,
} from '../../lib/drivers/nats/connection/nats.options.js';
import { NatsDeadLetters } from '../../lib/drivers/nats/dead-letters/nats.dead-letters.js';
import { Names } from '../../lib/drivers/nats/names/names.js';
import { NatsStateStore } from '../../lib/drivers/nats/state/nats.state-store.js';

import type { TestNats } from './nats.js';

export interface NatsStores {
  readonly state: NatsStateStore;
  readonly deadLetters: NatsDeadLetters;
  readonly connection: NatsConnection;
  /** What further parts of the driver are made of. */
  readonly parts: DriverParts;
  /** Codes of the warnings so far. */
  readonly warnings: string[];
  close(): Promise<void>;
}

/** The state store and the dead letters of one driver, without its message source. */
export function natsStores(options: NatsOptions, keyPrefix = ''): NatsStores {
  const events = new EventBus();
  const warnings: string[] = [];
  events.on('warning', ({ code }) => warnings.push(code));
  const completed = NATS_OPTIONS.complete(options);
  const connection = new NatsConnection(completed, events);
  const settings = completed.streams ?? DEFAULT_STREAMS;
  const parts = { connection, events, names: new Names(keyPrefix), options: completed, settings };
  const state = new NatsStateStore(parts);
  return {
    state,
    deadLetters: new NatsDeadLetters(parts),
    connection,
    parts,
    warnings,
    async close() {
      await state.close();
      await connection.close();
    },
  };
}

/** SIGKILL and a start, until the connection of the test itself is there again, too. */
export async function killAndStart({ server, client }: TestNats): Promise<void> {
  const back = (async () => {
    for await (const { type } of client.status()) if (type === 'reconnect') return;
  })();
  await server.kill();
  await server.start();
  await back;
}
