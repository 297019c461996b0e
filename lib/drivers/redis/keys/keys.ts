import type { DelayKeys } from '../scripting/delaying.js';
import { keyPart, type CompletionKey } from '../../../core/completion.js';

/**
 * Stands between the name of a data stream and the id of its input, as redis-stream-client-go has
 * it.
 */
export const LOCK_SEPARATOR = '<MUTEX_KEY_SEP>';

/** All key names of this library on Redis. Keys derived from a stream share its cluster slot. */
export class Keys {
  constructor(private readonly prefix: string) {}

  stream(name: string): string {
    return this.prefix + name;
  }

  /** Stream with the dead letters of a stream. */
  deadLetters(name: string): string {
    return `${this.tagged(name)}:dead-letter`;
  }

  /** Stream with the messages that were redriven to one group. */
  redrive(name: string, group: string): string {
    return `${this.tagged(name)}:redrive:${group}`;
  }

  /** Hash with the position at which each group could be restored. */
  floor(name: string): string {
    return `${this.tagged(name)}:floor`;
  }

  /** Keys of the delayed messages of a stream. */
  delays(name: string): DelayKeys {
    const delayed = `${this.tagged(name)}:delayed`;
    return { delayed, entries: `${delayed}:entries`, stream: this.stream(name) };
  }

  /** Holds the id of the message that was published to a stream with this idempotency key. */
  published(name: string, key: string): string {
    return `${this.tagged(name)}:published:${key}`;
  }

  /** Holds the present owner of a lease. */
  leaseOwner(name: string, lease: string): string {
    return `${this.tagged(name)}:owner:${lease}`;
  }

  /** Holds the fencing token of the lease's present owner. */
  leaseFence(name: string, lease: string): string {
    return `${this.tagged(name)}:fence:${lease}`;
  }

  /** Hash with the consumers of a group that read a stream: see `announcement.ts`. */
  consumers(name: string, group: string): string {
    return `${this.tagged(name)}:consumers:${group}`;
  }

  /**
   * Sorted set with the entries that were handed over within a group and are not fetched yet: see
   * `handed.ts`.
   */
  handed(name: string, group: string): string {
    return `${this.tagged(name)}:handed:${group}`;
  }

  /** Hash with the records of entries on hold in a group: see `hold-entry.script.ts`. */
  held(name: string, group: string): string {
    return `${this.tagged(name)}:held:${group}`;
  }

  /** Channel that notifies a consumer of entries handed to it. */
  handedChannel(group: string, consumer: string): string {
    return `${this.prefix}handed:${group}:${consumer}`;
  }

  /** Holds the consumer that works on a message, or the mark that the message was completed. */
  done(completion: CompletionKey): string {
    return this.doneOf(completion) + completion.key;
  }

  /** The common prefix of all those keys of one handler. */
  doneOf({ stream, group, handler }: Omit<CompletionKey, 'key'>): string {
    return `${this.tagged(stream)}:done:${keyPart(group)}:${keyPart(handler)}:`;
  }

  /** Their prefix in version 0.1.0. */
  formerDoneOf({ stream, group, formerly }: CompletionKey): string | undefined {
    if (formerly === undefined) return undefined;
    return `${this.tagged(stream)}:done:${group}:${formerly}:`;
  }

  /** Notes that the writes of a handler were carried out. */
  inbox({ stream, group, handler, key }: CompletionKey): string {
    return `${this.tagged(stream)}:inbox:${keyPart(group)}:${keyPart(handler)}:${key}`;
  }

  /** The same key in version 0.1.0. */
  formerInbox({ stream, group, formerly, key }: CompletionKey): string | undefined {
    if (formerly === undefined) return undefined;
    return `${this.tagged(stream)}:inbox:${group}:${formerly}:${key}`;
  }

  /** Stream with the answers to one client's requests. */
  replies(box: string): string {
    return `${this.tagged(box)}:replies`;
  }

  /** Stream with the inputs of a load balanced service, as redis-stream-client-go names it. */
  inputs(service: string): string {
    return `${this.stream(service)}-input`;
  }

  /** Stream with the inputs that name no stream. */
  inputLetters(service: string): string {
    return `${this.inputs(service)}-dlq`;
  }

  /** Hash with the consumers of a load balanced service. */
  members(service: string): string {
    return `${this.tagged(`${service}-input`)}:members`;
  }

  /** A key that expires, to test whether the server notifies of expiries. */
  probe(service: string, consumer: string): string {
    return `${this.tagged(`${service}-input`)}:probe:${consumer}`;
  }

  /** Hash with the inputs of a service that were handed over and not noted yet. */
  handedInputs(service: string): string {
    return `${this.tagged(`${service}-input`)}:handed-inputs`;
  }

  /** Holds the name of the owner of a data stream. It expires with the ownership. */
  lock(stream: string, id: string): string {
    return this.stream(stream) + LOCK_SEPARATOR + id;
  }

  /** Pattern that matches all locks, in the names of channels that notify of their expiry. */
  get anyLock(): string {
    return `${this.prefix.replace(/[*?[\]\\]/g, '\\$&')}*${LOCK_SEPARATOR}*`;
  }

  /** The stream and the input that a lock belongs to. */
  placeOfLock(key: string): { stream: string; id: string } | undefined {
    const at = key.lastIndexOf(LOCK_SEPARATOR);
    if (at < 0 || !key.startsWith(this.prefix)) return undefined;
    return { stream: key.slice(this.prefix.length, at), id: key.slice(at + LOCK_SEPARATOR.length) };
  }

  /** Holds the token of a data stream's present owner. */
  fence(stream: string): string {
    return `${this.tagged(stream)}:fence`;
  }

  /** Holds the id of the input through which a data stream is owned. */
  assignment(stream: string): string {
    return `${this.tagged(stream)}:assignment`;
  }

  /**
   * A text with one line per ended step of a workflow: place, run, 1 where it failed, length,
   * record.
   */
  workflowSteps(id: string): string {
    return `{${this.prefix}workflow:${id}}:steps`;
  }

  /**
   * Hash with the joined fan-outs of a workflow: which branches have arrived, with which results.
   */
  workflowJoins(id: string): string {
    return `{${this.prefix}workflow:${id}}:joins`;
  }

  /** Hash with what concerns a workflow as a whole: when it began, whether it was cancelled. */
  workflowState(id: string): string {
    return `{${this.prefix}workflow:${id}}:state`;
  }

  state(key: string): string {
    return this.prefix + key;
  }

  /** The key of a stream, with the hash tag that its derived keys share. */
  tagged(name: string): string {
    const key = this.stream(name);
    return hasHashTag(key) ? key : `{${key}}`;
  }
}

/** Whether Redis Cluster would hash only a part of the key: the first `{…}` that is not empty. */
export function hasHashTag(key: string): boolean {
  const open = key.indexOf('{');
  return open >= 0 && key.indexOf('}', open) > open + 1;
}
