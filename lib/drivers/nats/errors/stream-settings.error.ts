import { StreamsError } from '../../../core/errors/streams.error.js';

/** One setting of a stream that is not as the driver needs it. */
export interface OtherSetting {
  /** As JetStream calls it: `storage`. */
  readonly name: string;
  readonly found: unknown;
  readonly wanted: unknown;
}

/**
 * A JetStream stream that the driver has made, such as that of its state or its dead letters, has other
 * settings than the options say, and the server cannot change them. Nothing was changed.
 */
export class NatsStreamSettingsError extends StreamsError {
  static readonly code: string = 'NATS_STREAM_SETTINGS';
  static readonly advice: string =
    'Set the option streams as the stream is, or delete the stream where its content is of no use any more: the driver makes it again.';

  constructor(
    readonly stream: string,
    readonly settings: readonly OtherSetting[],
    cause?: unknown,
  ) {
    const list = settings
      .map(({ name, found, wanted }) => `${name} is ${shown(found)}, not ${shown(wanted)}`)
      .join('; ');
    super(
      NatsStreamSettingsError.code,
      `The settings of the JetStream stream "${stream}" cannot be changed: ${list}. ` +
        NatsStreamSettingsError.advice,
      cause,
    );
  }
}

const shown = (value: unknown): string => JSON.stringify(value) ?? 'not set';
