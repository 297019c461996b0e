import { systemClock } from '../../../core/clock.js';
import type { Driver } from '../../../ports/driver.js';
import type { DriverParts } from '../connection/driver-parts.js';
import { NatsReplies } from '../requests/nats.replies.js';
import { NatsStateStore } from '../state/nats.state-store.js';
import { CORE_IDS } from './core-ids.js';
import { CoreReaders } from './core-readers.js';
import { CoreSource } from './core.source.js';

/** Composes the driver on NATS without JetStream. The state store is there where the server has JetStream. */
export function openCore(parts: DriverParts): Driver {
  const { connection, events, names, options } = parts;
  const state = new NatsStateStore(parts);
  const readers = new CoreReaders(connection, names);
  const replies = new NatsReplies({
    ...{ connection, names },
    now: () => systemClock.wallTime(),
    readers: (stream) => readers.count(stream),
  });
  const source = new CoreSource({
    ...{ connection, events, names },
    limits: { messages: options.maxBufferedMessages, bytes: options.maxBufferedBytes },
    closing: [state, replies, connection],
  });
  return {
    source,
    ids: CORE_IDS,
    state,
    replies,
    connect: () => connection.connect(),
    connections: () => connection.connections,
    unwrap: () => connection.unwrapped,
  };
}
