import type { Codec } from '../../../core/codecs/codec.js';
import { readMetadata } from '../../../core/codecs/json.codec.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import { bounded } from '../../../core/errors/text-of.js';
import { UnsupportedFeatureError } from '../../../core/errors/start-up.errors.js';
import type { Lease } from '../../../core/lease.js';
import type { Fields, Metadata, OutgoingEntry } from '../../../core/message.js';
import { requestOf, withoutHeader } from '../../../core/request-header.js';
import { WORKFLOW } from '../../../core/workflow.js';

/** How often one message may be forwarded. */
export const MOST_FORWARDS = 8;

/** How long a forwarded message is recognised as published before, in milliseconds: a day. */
const KNOWN_FOR = 86_400_000;

/** Longest text of an error in the metadata, in bytes. */
const LONGEST_ERROR = 1024;

const FIELD = 'metadata';
const HOPS = 'dead-letter-hops';

/** The message as it is forwarded: its own fields, and in its metadata where it comes from. */
export interface Forwarded {
  readonly entry: OutgoingEntry;
  /** How often the message was forwarded, this time included. */
  readonly hops: number;
}

type Forwarding = Pick<Lease, 'redrive' | 'key'> & { readonly fields: Fields };

/**
 * Makes the entry that is forwarded. The fields stay as they are, except for the metadata: what the
 * message was a step of has ended, and a caller of a request waits no longer.
 * @param redrive see `Lease.redrive`. `key`: see `Lease.key`; the forwarded message has the same
 * @throws UnsupportedFeatureError where the codec can read neither form of the entry
 */
export function forwardedEntry(
  codec: Codec,
  { fields: read, redrive, key: order }: Forwarding,
  record: DeadLetterRecord,
  stream: string,
): Forwarded {
  const fields = requestOf(read) ? withoutHeader(read) : read;
  const { [WORKFLOW]: _, ...kept } = metadataOf(codec, fields);
  const before = Number(kept[HOPS]);
  const hops = (Number.isSafeInteger(before) && before > 0 ? before : 0) + 1;
  const metadata = { ...kept, ...originOf(record, hops) };
  const again = redrive === undefined ? '' : `/redriven/${redrive}`;
  const key = `${record.stream}/${record.id}/${record.group}${again}/forwarded`;
  const written = withMetadata(codec, fields, metadata, record.stream);
  const hasBytes = !written.every((text) => text.isWellFormed());
  const idempotency = { key, window: KNOWN_FOR };
  const alike = { ...(hasBytes && { hasBytes }), ...(order !== undefined && { key: order }) };
  return { entry: { stream, fields: written, idempotency, ...alike }, hops };
}

function originOf(record: DeadLetterRecord, hops: number): Metadata {
  const { stream, id, group, reason, attempts, error } = record;
  return {
    'dead-letter-stream': stream,
    'dead-letter-id': id,
    'dead-letter-group': group,
    'dead-letter-reason': reason,
    'dead-letter-attempts': String(attempts),
    ...(error && {
      'dead-letter-error': bounded(`${error.name}: ${error.message}`, LONGEST_ERROR),
    }),
    [HOPS]: String(hops),
  };
}

/** Of an entry that cannot be decoded, the field that most codecs use. */
function metadataOf(codec: Codec, fields: Fields): Metadata {
  const decoded = attempt(() => codec.decode(fields));
  return decoded?.metadata ?? attempt(() => readMetadata(fields)) ?? {};
}

/** Codecs that keep metadata elsewhere encode the message anew. */
function withMetadata(codec: Codec, fields: Fields, metadata: Metadata, stream: string): Fields {
  const decoded = attempt(() => codec.decode(fields));
  const edited = withField(fields, JSON.stringify(metadata));
  if (!decoded) return edited;
  const read = attempt(() => codec.decode(edited));
  if (read?.metadata?.[HOPS] === metadata[HOPS]) return edited;
  const encoded = attempt(() => {
    const eventType = codec.eventType(fields, stream);
    return codec.encode({ stream, eventType, payload: decoded.payload, metadata });
  });
  const isCarried =
    encoded && attempt(() => codec.decode(encoded))?.metadata?.[HOPS] === metadata[HOPS];
  if (isCarried) return encoded;
  // A codec without metadata: a reader finds the field among the others.
  if (read) return edited;
  const advice = 'Use a codec that carries metadata, or another strategy.';
  throw new UnsupportedFeatureError('Forwarding dead letters', `codec "${codec.name}"`, advice);
}

function withField(fields: Fields, text: string): Fields {
  const at = fields.findIndex((name, index) => index % 2 === 0 && name === FIELD);
  return at < 0 ? [...fields, FIELD, text] : fields.with(at + 1, text);
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
