import { escaped, shortened } from '../../names/escaped.js';

/** Longest topic of a stream. Its dead letters and retries have longer names. */
const LONGEST_STREAM = 200;
/** Longest name of a topic, as brokers take it. */
const LONGEST_TOPIC = 249;

/** What the bytes of characters begin with that no topic may have. */
const ESCAPE = '-x';
/** What stands between the beginning of a name that is too long, and its digest. */
const MARK = '-xx-';

/** A `-` that could be read as the beginning of an escape, or, with what becomes of the text, of a mark. */
const LIKE_ESCAPE = /^-x(?:[\dA-F]{2}|x[^\w.])/;

/**
 * The topic of a stream. A name that is a valid topic stays as it is, so that other programs of Kafka
 * meet there: `orders.created`. Other characters are `-x` and their bytes in UTF-8: `caf-xC3-xA9`. So
 * are a `-` that looks like such bytes, and the first character of `.`, `..` and names that begin with `__`,
 * which brokers use themselves. Longer names than 200 are shortened. Different names have different topics.
 */
export function topicOf(keyPrefix: string, stream: string): string {
  const text = keyPrefix + stream;
  const isReserved = text === '.' || text === '..' || text.startsWith('__');
  const topic = escaped(
    text,
    (character, at) =>
      /^[\w.-]$/.test(character) &&
      !(at === 0 && isReserved) &&
      !(character === '-' && LIKE_ESCAPE.test(text.slice(at, at + 4))),
    ESCAPE,
  );
  return shortened(topic, text, LONGEST_STREAM, MARK);
}

/** Text as a part of a topic, without dots. */
const token = (text: string): string => topicOf('', text).replaceAll('.', `${ESCAPE}2E`);

/** The names that one key prefix has on the brokers. */
export class Names {
  constructor(readonly keyPrefix: string) {}

  /** See {@link topicOf}. */
  topic(stream: string): string {
    return topicOf(this.keyPrefix, stream);
  }

  /**
   * The Kafka group of a group on one stream: `<group>/<topic>`. Each stream has a Kafka group of its
   * own, since members of one Kafka group with different topics lose partitions.
   */
  group(group: string, stream: string): string {
    return groupOn(group, this.topic(stream));
  }

  /** The topic of retries of a group that wait long, and of its redriven messages. */
  retries(group: string, stream: string): string {
    const name = `${this.topic(stream)}.${token(group)}`;
    const text = `${this.keyPrefix}${stream}\0${group}`;
    return `${shortened(name, text, LONGEST_TOPIC - '.retry'.length, MARK)}.retry`;
  }

  /** The Kafka group that reads {@link retries}. */
  retriesGroup(group: string, stream: string): string {
    return groupOn(group, this.retries(group, stream));
  }

  /** The topic of the dead letters of a stream, of all its groups. */
  deadLetters(stream: string): string {
    return `${this.topic(stream)}.dlq`;
  }

  /** The topic that says which dead letters were removed. */
  removedDeadLetters(stream: string): string {
    return `${this.deadLetters(stream)}.removed`;
  }

  /** The Kafka group whose offsets are the marks of a group on all topics: positions that were set, deletion. */
  marks(group: string): string {
    return groupOn(group, ':marks');
  }

  /** The transactional id of what writes the marks of a group on a topic. */
  marksWriter(group: string, topic: string): string {
    return `${groupOn(group, topic)}:marks`;
  }

  /** The transactional id of what redrives and removes dead letters of a stream. */
  deadLettersWriter(stream: string): string {
    return `${this.deadLetters(stream)}:dlq`;
  }
}

/** The Kafka group of a group on a topic. No topic has a `/`. */
export const groupOn = (group: string, topic: string): string => `${group}/${topic}`;

/** The group whose Kafka group on this topic this is. Undefined: it is that of another topic, or program. */
export function groupIn(kafkaGroup: string, topic: string): string | undefined {
  const end = `/${topic}`;
  return kafkaGroup.endsWith(end) && kafkaGroup.length > end.length
    ? kafkaGroup.slice(0, -end.length)
    : undefined;
}

/** The transactional id of settlements of one partition. */
export const settlingId = (kafkaGroup: string, partition: number): string =>
  `${kafkaGroup}/${partition}`;
