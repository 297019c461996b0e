import type { EventBus } from '../../../core/event-bus.js';
import type { Names } from '../names/names.js';
import type { NatsConnection } from './nats-connection.js';
import type { CompletedNatsOptions, StreamSettings } from './nats.options.js';

const OPEN = [
  'connectTimeout',
  'inboxPrefix',
  'maxBufferedBytes',
  'maxBufferedMessages',
  'mode',
  'name',
  'requestTimeout',
] as const;

/** The options that every part may know: none of them is a secret. */
export type OpenOptions = Pick<CompletedNatsOptions, (typeof OPEN)[number]>;

/** Leaves out what is secret, and where the server is. */
export const openOptions = (options: CompletedNatsOptions): OpenOptions =>
  Object.fromEntries(OPEN.map((name) => [name, options[name]])) as unknown as OpenOptions;

/** What each part of the driver is made of. */
export interface DriverParts {
  readonly connection: NatsConnection;
  readonly events: EventBus;
  readonly names: Names;
  readonly options: OpenOptions;
  /** The settings of streams that the driver makes. */
  readonly settings: StreamSettings;
}
