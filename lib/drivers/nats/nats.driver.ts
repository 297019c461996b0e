import { refuse } from '../../core/option-schema/refuse.js';
import type { Driver, DriverContext, DriverFactory } from '../../ports/driver.js';
import { openOptions } from './connection/driver-parts.js';
import { NatsConnection } from './connection/nats-connection.js';
import { ensureNats } from './connection/nats-packages.js';
import { DEFAULT_STREAMS, NATS_OPTIONS, type NatsOptions } from './connection/nats.options.js';
import { CORE_IDS } from './core/core-ids.js';
import { openCore } from './core/open-core.js';
import { SEQUENCE_IDS } from './ids/message-ids.js';
import { openJetStream } from './jetstream/open-jetstream.js';
import { Names } from './names/names.js';

/**
 * Uses NATS for the slots: JetStream, or with `mode: 'core'` plain publish and subscribe. Needs nats-server 2.10 or later, and the packages
 * `@nats-io/transport-node`, `@nats-io/jetstream` and `@nats-io/kv`.
 * @throws InvalidOptionsError naming every problem
 */
export function nats(options: NatsOptions = {}): DriverFactory {
  refuse(NATS_OPTIONS.problems(options));
  const ids = options.mode === 'core' ? CORE_IDS : SEQUENCE_IDS;
  return { technology: 'nats', ids, open: (context) => open(options, context) };
}

function open(given: NatsOptions, { events, keyPrefix }: DriverContext): Driver {
  ensureNats();
  const options = NATS_OPTIONS.complete(given);
  const parts = {
    connection: new NatsConnection(options, events),
    events,
    names: new Names(keyPrefix),
    options: openOptions(options),
    settings: options.streams ?? DEFAULT_STREAMS,
  };
  return options.mode === 'core' ? openCore(parts) : openJetStream(parts);
}
