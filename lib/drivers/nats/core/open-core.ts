import type { Driver } from '../../../ports/driver.js';
import type { DriverParts } from '../connection/driver-parts.js';
import { CORE_IDS } from './core-ids.js';
import { CoreSource } from './core.source.js';

/**
 * Composes the driver on NATS without JetStream.
 * @param jetStream the driver on the same connection, with JetStream: what it has beside its source is
 * there where the server has JetStream
 */
export function openCore(parts: DriverParts, jetStream: Driver): Driver {
  const { connection, events, names, options } = parts;
  const { state, replies } = jetStream;
  const source = new CoreSource({
    ...{ connection, events, names },
    limits: { messages: options.maxBufferedMessages, bytes: options.maxBufferedBytes },
    closing: [jetStream.source],
  });
  return {
    source,
    ids: CORE_IDS,
    ...(state && { state }),
    ...(replies && { replies }),
    connect: () => connection.connect(),
    connections: () => connection.connections,
    unwrap: () => connection.unwrapped,
  };
}
