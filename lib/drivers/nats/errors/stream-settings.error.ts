import { StreamsError } from '../../../core/errors/streams.error.js';
import { NatsReplyError } from './nats-reply.error.js';

/** One setting of a stream that is not as the driver needs it. */
export interface OtherSetting {
  /** As JetStream calls it: `storage`. */
  readonly name: string;
  readonly found: unknown;
  readonly wanted: unknown;
}

/** The options of settings that a server can change, by the names of JetStream. Undefined: none has it. */
const CHANGED_BY = new Map<string, string | undefined>([
  ['subjects', undefined],
  ['num_replicas', 'replicas'],
  ['duplicate_window', 'duplicateWindow'],
  ['max_age', 'maxAge'],
  ['max_bytes', 'maxBytes'],
  ['max_msgs', 'maxMessages'],
  ['discard', 'discard'],
]);

const CHANGEABLE =
  "Set the option streams as the stream is, or do what the server's words say, then try again.";
const FIXED =
  'Set the option streams as the stream is, or delete the stream where its content is of no use any more: the driver makes it again.';

/**
 * A JetStream stream that the driver has made, such as that of its state or its dead letters, has other
 * settings than the options say, and the server cannot change them. Nothing was changed.
 */
export class NatsStreamSettingsError extends StreamsError {
  static readonly code: string = 'NATS_STREAM_SETTINGS';
  static readonly advice: string = `A number of replicas, or a limit: ${CHANGEABLE} Another setting, such as storage: ${FIXED}`;

  constructor(
    readonly stream: string,
    readonly settings: readonly OtherSetting[],
    cause?: unknown,
  ) {
    const words = cause instanceof NatsReplyError ? ` The server says: ${cause.reply}.` : '';
    const isChangeable = settings.every(({ name }) => CHANGED_BY.has(name));
    super(
      NatsStreamSettingsError.code,
      `The settings of the JetStream stream "${stream}" cannot be changed: ` +
        `${settings.map(sentence).join('; ')}.${words} ${isChangeable ? CHANGEABLE : FIXED}`,
      cause,
    );
  }
}

function sentence({ name, found, wanted }: OtherSetting): string {
  const option = CHANGED_BY.get(name) ?? name;
  const named = option === name ? name : `${name} (option ${option})`;
  return `${named} is ${shown(found)}, not ${shown(wanted)}`;
}

const shown = (value: unknown): string => JSON.stringify(value) ?? 'not set';

/** Other JetStream streams have subjects that a stream of this driver needs. */
export class NatsSubjectTakenError extends StreamsError {
  static readonly code: string = 'NATS_SUBJECT_TAKEN';
  static readonly advice: string =
    'Take these subjects away from the other streams, or choose another name for this stream.';

  constructor(
    readonly stream: string,
    /** Subjects that the stream needs. */
    readonly subjects: readonly string[],
    /** JetStream streams that have one of them. */
    readonly others: readonly string[],
  ) {
    super(
      NatsSubjectTakenError.code,
      `Stream "${stream}" cannot be made on NATS: it needs the subjects ${subjects.join(', ')}, and ` +
        `other JetStream streams have some of them: ${others.join(', ') || 'unknown ones'}. ` +
        NatsSubjectTakenError.advice,
    );
  }
}
