// From the file that makes the driver known by its name: bundlers keep it, too.
export { nats } from './runtime/nats-by-name.js';
export type {
  NatsClient,
  NatsOptions,
  NatsStreamOptions,
} from './drivers/nats/connection/nats.options.js';
export { DelaysUnsupportedError } from './drivers/nats/errors/delays-unsupported.error.js';
export { StreamFullError } from './drivers/nats/errors/stream-full.error.js';
export {
  NatsStreamSettingsError,
  NatsSubjectTakenError,
  type OtherSetting,
} from './drivers/nats/errors/stream-settings.error.js';
export {
  JetStreamMissingError,
  NatsConnectionError,
  NatsGivenUpError,
  NatsServerTooOldError,
} from './drivers/nats/errors/nats-connection.errors.js';
