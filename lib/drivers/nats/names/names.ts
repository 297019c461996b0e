import { escaped, shortened } from '../../names/escaped.js';

/** Longest subject of a stream. The server takes 4,096 bytes of subject and protocol in one line. */
const LONGEST_SUBJECT = 250;
/** Longest name of a stream or durable. The server takes 255 and makes folders of that name. */
const LONGEST_NAME = 120;
/** Longest key prefix within the name of a bucket. */
const LONGEST_BUCKET = 60;

/** What a subject means something by: wildcards, the end of a line, and our escape character. */
const RESERVED = /[*>=]/;

/**
 * The subject of a stream. A name that is a valid subject stays as it is, so that other programs of
 * NATS meet there: `orders.created`. Other characters are `=` and their bytes: `caf=C3=A9`. A dot at
 * either end or behind another dot is `=2E`. `$` and `_` at the beginning are `=24` and `=5F`, since
 * NATS and this driver use such subjects. Different names have different subjects.
 */
export function subjectOf(keyPrefix: string, stream: string): string {
  const text = keyPrefix + stream;
  let afterDot = true;
  const subject = escaped(text, (character, at) => {
    const isDot = character === '.' && !afterDot && at < text.length - 1;
    const isPlain = character === '.' ? isDot : isPlainInSubject(character, at);
    afterDot = isDot;
    return isPlain;
  });
  return shortened(subject, text, LONGEST_SUBJECT);
}

const isPlainInSubject = (character: string, at: number): boolean =>
  character > ' ' &&
  character <= '~' &&
  !RESERVED.test(character) &&
  !(at === 0 && (character === '$' || character === '_'));

/**
 * Text as one token of a subject, or a part of a key: letters, digits and `-` stay, all else is `=`
 * and its bytes. An empty text is `=`. Different texts have different tokens.
 */
export const token = (text: string): string =>
  text === ''
    ? '='
    : shortened(
        escaped(text, (character) => isWord(character)),
        text,
        LONGEST_NAME,
      );

const isWord = (character: string): boolean => /^[\dA-Za-z-]$/.test(character);

/** What the names of KV buckets, object stores and streams of this driver begin with. */
const TAKEN = /^(?:KV[._]|OBJ[._]|streams-)/;

/** The name of the JetStream stream of a stream: as {@link token}, and a dot is `_`. */
export function streamName(keyPrefix: string, stream: string): string {
  const text = keyPrefix + stream;
  const isTaken = TAKEN.test(text);
  const name = escaped(
    text,
    (character, at) => character === '.' || (isWord(character) && !(isTaken && at === 0)),
  );
  return shortened(name.replaceAll('.', '_'), text, LONGEST_NAME);
}

/** The name of the durable consumer of a group. */
export const durableName = (group: string): string => streamName('', group);

/** What this driver keeps in KV buckets. */
export type BucketKind = 'runs' | 'groups' | 'state';

/** What this driver keeps in streams of its own. */
export type OwnStream = 'dead-letters' | 'redriven';

/**
 * The names that one key prefix has on the server. Two prefixes share none of them.
 */
export class Names {
  /** The key prefix as a token. `=` where it is empty. */
  readonly prefix: string;
  private readonly suffix: string;

  constructor(readonly keyPrefix: string) {
    this.prefix = token(keyPrefix);
    // Names of buckets have no `=`.
    const escapedPrefix = escaped(keyPrefix, (character) => isWord(character), '_');
    const short = shortened(escapedPrefix, keyPrefix, LONGEST_BUCKET, '__');
    this.suffix = keyPrefix === '' ? '' : `-${short}`;
  }

  /** See {@link subjectOf}. */
  subject(stream: string): string {
    return subjectOf(this.keyPrefix, stream);
  }

  /** See {@link streamName}. */
  stream(stream: string): string {
    return streamName(this.keyPrefix, stream);
  }

  /** The name of a KV bucket: `streams-runs`, and the key prefix where there is one. */
  bucket(kind: BucketKind): string {
    return `streams-${kind}${this.suffix}`;
  }

  /** The name of a stream of the driver's own: `streams-dead-letters`, and the key prefix. */
  ownStream(kind: OwnStream): string {
    return `streams-${kind}${this.suffix}`;
  }

  /** All subjects of the stream of dead letters. */
  get deadLetters(): string {
    return `_streams.${this.prefix}.dead.>`;
  }

  /** The subject of the dead letters of a group. Without a group: of all groups of the stream. */
  deadLetter(stream: string, group: string | undefined): string {
    const any = group === undefined ? '*' : token(group);
    return `_streams.${this.prefix}.dead.${token(stream)}.${any}`;
  }

  /** All subjects of the stream of redriven messages. */
  get redriven(): string {
    return `_streams.${this.prefix}.redriven.>`;
  }

  /** The subject of one redriven message. `*` for the sequence: of all of the group. */
  redrivenMessage(stream: string, group: string, deadLetter: number | '*'): string {
    return `_streams.${this.prefix}.redriven.${token(stream)}.${token(group)}.${deadLetter}`;
  }

  /** The subjects of messages of a stream that are published later. */
  delayed(stream: string): string {
    return `_streams.${this.prefix}.delayed.${token(stream)}.*`;
  }

  /** The subject of answers to requests of one client. */
  replies(address: string): string {
    return `_streams.${this.prefix}.replies.${token(address)}`;
  }

  /** The subject on which consumers of core NATS tell for which group they read a stream. */
  readers(stream: string): string {
    return `_streams.${this.prefix}.readers.${token(stream)}`;
  }

  /** The key of what is kept for a group, and for one of its entries. */
  groupKey(stream: string, group: string): string {
    return `${token(stream)}.${token(group)}`;
  }
}
