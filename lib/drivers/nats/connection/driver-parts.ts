import type { EventBus } from '../../../core/event-bus.js';
import type { Names } from '../names/names.js';
import type { NatsConnection } from './nats-connection.js';
import type { CompletedNatsOptions, StreamSettings } from './nats.options.js';

/** What each part of the driver is made of. */
export interface DriverParts {
  readonly connection: NatsConnection;
  readonly events: EventBus;
  readonly names: Names;
  readonly options: CompletedNatsOptions;
  /** The settings of streams that the driver makes. */
  readonly settings: StreamSettings;
}
