import type { Driver } from '../../../ports/driver.js';
import type { DriverParts } from '../connection/driver-parts.js';
import { NatsDeadLetters } from '../dead-letters/nats.dead-letters.js';
import { SEQUENCE_IDS } from '../ids/message-ids.js';
import { NatsStateStore } from '../state/nats.state-store.js';
import { NatsSource } from './nats.source.js';

/** Composes the driver on JetStream. Each owner of a folder makes its parts here. */
export function openJetStream(parts: DriverParts): Driver {
  const { connection } = parts;
  const state = new NatsStateStore(parts);
  const missing = (what: string) => () => Promise.reject(new Error(`${what} is not there yet`));
  const source = new NatsSource({
    publishing: { publish: missing('publishing') },
    reading: { subscribe: missing('reading') },
    settling: { settle: missing('settling') },
    settledUpTo: missing('groups'),
    closing: [state, connection],
  });
  return {
    source,
    ids: SEQUENCE_IDS,
    state,
    deadLetters: new NatsDeadLetters(parts),
    connect: () => connection.connect(),
    connections: () => connection.connections,
    unwrap: () => connection.unwrapped,
  };
}
