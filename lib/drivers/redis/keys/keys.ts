import type { DelayKeys } from '../scripting/delaying.js';
import { keyPart, type CompletionKey } from '../../../core/completion.js';

/** Suffixes behind the tag of derived keys. */
const RESERVED = [
  'dead-letter',
  'redrive:',
  'floor',
  'delayed',
  'published:',
  'done:',
  'inbox:',
  'dedupe:',
  'replies',
  'owner:',
  'fence:',
  'fence',
  'assignment',
  'members',
  'handed-inputs',
  'probe:',
  'steps',
  'joins',
  'state',
  'consumers:',
  'handed:',
];

/** Separates the name of a data stream from the id of its input, as in redis-stream-client-go. */
const LOCK_SEPARATOR = '<MUTEX_KEY_SEP>';

const LOCK = new RegExp(`${LOCK_SEPARATOR}\\d+-\\d+$`);

/** All key names of this library on Redis. Keys derived from a stream share its cluster slot. */
export class Keys {
  constructor(private readonly prefix: string) {}

  stream(name: string): string {
    return this.prefix + name;
  }

  /** Stream of the dead letters of a stream. */
  deadLetters(name: string): string {
    return `${this.tagged(name)}:dead-letter`;
  }

  /** Stream of the messages handed back to one group. */
  redrive(name: string, group: string): string {
    return `${this.tagged(name)}:redrive:${group}`;
  }

  /** Hash of the position at which each group could be recreated. */
  floor(name: string): string {
    return `${this.tagged(name)}:floor`;
  }

  /** Keys of the delayed messages of a stream. */
  delays(name: string): DelayKeys {
    const delayed = `${this.tagged(name)}:delayed`;
    return { delayed, entries: `${delayed}:entries`, stream: this.stream(name) };
  }

  /** Id of the message that was published to a stream with this idempotency key. */
  published(name: string, key: string): string {
    return `${this.tagged(name)}:published:${key}`;
  }

  /** The present owner of a lease. */
  leaseOwner(name: string, lease: string): string {
    return `${this.tagged(name)}:owner:${lease}`;
  }

  /** The fencing token of that owner. */
  leaseFence(name: string, lease: string): string {
    return `${this.tagged(name)}:fence:${lease}`;
  }

  /** Hash of the consumers of a group that read a stream: see `announcement.ts`. */
  consumers(name: string, group: string): string {
    return `${this.tagged(name)}:consumers:${group}`;
  }

  /** Sorted set of the entries that were handed over within a group and wait: see `handed.ts`. */
  handed(name: string, group: string): string {
    return `${this.tagged(name)}:handed:${group}`;
  }

  /** Channel that tells a consumer of entries which were handed to it. */
  handedChannel(group: string, consumer: string): string {
    return `${this.prefix}handed:${group}:${consumer}`;
  }

  /** The owner that works on a key, or the mark that it was completed. */
  done(completion: CompletionKey): string {
    return this.doneOf(completion) + completion.key;
  }

  /** Prefix of all those keys of one handler. */
  doneOf({ stream, group, handler }: Omit<CompletionKey, 'key'>): string {
    return `${this.tagged(stream)}:done:${keyPart(group)}:${keyPart(handler)}:`;
  }

  /** Their prefix in version 0.1.0. */
  formerDoneOf({ stream, group, formerly }: CompletionKey): string | undefined {
    if (formerly === undefined) return undefined;
    return `${this.tagged(stream)}:done:${group}:${formerly}:`;
  }

  /** The note that the effects of a key were written. */
  inbox({ stream, group, handler, key }: CompletionKey): string {
    return `${this.tagged(stream)}:inbox:${keyPart(group)}:${keyPart(handler)}:${key}`;
  }

  /** The same note in version 0.1.0. */
  formerInbox({ stream, group, formerly, key }: CompletionKey): string | undefined {
    if (formerly === undefined) return undefined;
    return `${this.tagged(stream)}:inbox:${group}:${formerly}:${key}`;
  }

  /** Stream of the answers to one client's requests. */
  replies(box: string): string {
    return `${this.tagged(box)}:replies`;
  }

  /** Stream of the inputs of a load balanced service, as redis-stream-client-go names it. */
  inputs(service: string): string {
    return `${this.stream(service)}-input`;
  }

  /** Stream of the inputs that name no stream. */
  inputLetters(service: string): string {
    return `${this.inputs(service)}-dlq`;
  }

  /** Hash of the consumers that share a service. */
  members(service: string): string {
    return `${this.tagged(`${service}-input`)}:members`;
  }

  /** A key that expires, to test whether the server tells of it. */
  probe(service: string, consumer: string): string {
    return `${this.tagged(`${service}-input`)}:probe:${consumer}`;
  }

  /** Hash of the inputs of a service that were handed over, and not noted yet. */
  handedInputs(service: string): string {
    return `${this.tagged(`${service}-input`)}:handed-inputs`;
  }

  /** Name of the owner of a data stream. It expires with the ownership. */
  lock(stream: string, id: string): string {
    return this.stream(stream) + LOCK_SEPARATOR + id;
  }

  /** Matches all locks, in the names of channels that tell of their expiry. */
  get anyLock(): string {
    return `${this.prefix.replace(/[*?[\]\\]/g, '\\$&')}*${LOCK_SEPARATOR}*`;
  }

  /** The data stream and the input of a lock. */
  placeOfLock(key: string): { stream: string; id: string } | undefined {
    const at = key.lastIndexOf(LOCK_SEPARATOR);
    if (at < 0 || !key.startsWith(this.prefix)) return undefined;
    return { stream: key.slice(this.prefix.length, at), id: key.slice(at + LOCK_SEPARATOR.length) };
  }

  /** Token of a data stream's present owner. */
  fence(stream: string): string {
    return `${this.tagged(stream)}:fence`;
  }

  /** Id of the input by way of which a data stream is owned. */
  assignment(stream: string): string {
    return `${this.tagged(stream)}:assignment`;
  }

  /** The ended steps of a workflow, a line each: place, run, 1 where it failed, length, record. */
  workflowSteps(id: string): string {
    return `{${this.prefix}workflow:${id}}:steps`;
  }

  /**
   * Hash of a workflow's fan-outs that are joined: the branches that have arrived, and their
   * results.
   */
  workflowJoins(id: string): string {
    return `{${this.prefix}workflow:${id}}:joins`;
  }

  /** Hash of what was done to a workflow as a whole: when it began, whether it was cancelled. */
  workflowState(id: string): string {
    return `{${this.prefix}workflow:${id}}:state`;
  }

  state(key: string): string {
    return this.prefix + key;
  }

  /** Why streams of these names cannot be on a cluster, or beside each other, as sentences. */
  placementProblems(streams: readonly string[]): string[] {
    const problems: string[] = [];
    const seen = new Map<string, string>();
    for (const stream of streams) {
      const key = this.stream(stream);
      if (key.includes('}') && !hasHashTag(key)) {
        problems.push(
          `"${stream}" cannot be placed on a cluster: it holds } without a hash tag like {orders} before it`,
        );
      }
      const tagged = this.tagged(stream);
      const other = seen.get(tagged);
      if (other !== undefined && other !== stream) {
        problems.push(`"${stream}" and "${other}" would share their derived keys: rename one`);
      }
      seen.set(tagged, stream);
      const reserved = this.reservedProblem(stream);
      if (reserved) problems.push(reserved);
    }
    return problems;
  }

  /**
   * Why no stream of a service may have this name, as a sentence: it is one of the service's own
   * keys.
   */
  inputProblem(service: string, stream: string): string | undefined {
    const key = this.stream(stream);
    if (key === this.inputs(service) || key === this.inputLetters(service)) {
      return `"${stream}" holds the assignments of service "${service}" themselves: announce another stream`;
    }
    if (LOCK.test(stream)) return `"${stream}" is the name of a lock: announce another stream`;
    return this.reservedProblem(stream);
  }

  private reservedProblem(stream: string): string | undefined {
    const key = this.stream(stream);
    const suffix = RESERVED.find((reserved) => key.includes(`}:${reserved}`));
    return suffix && `"${stream}" looks like a key of this library (:${suffix}): rename it`;
  }

  private tagged(name: string): string {
    const key = this.stream(name);
    return hasHashTag(key) ? key : `{${key}}`;
  }
}

/** Whether Redis Cluster would hash only a part of the key: the first `{…}` that is not empty. */
export function hasHashTag(key: string): boolean {
  const open = key.indexOf('{');
  return open >= 0 && key.indexOf('}', open) > open + 1;
}
