import type { Redis } from 'ioredis';
import { isDelayed } from '../../../ports/delays.js';
import { InvalidMessageError, NotReplicatedError } from '../../../core/errors/publishing.errors.js';
import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { OutgoingEntry } from '../../../core/message.js';
import { bySlot } from '../topology/slots.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { isIdempotent, onceArguments, type Result } from './publishing-once.js';
import { typedError } from '../errors/reply-errors.js';
import { scheduleEntries } from './scheduling.js';
import { publishOnce } from './publish-once.script.js';

export type ReplicatedEntry = OutgoingEntry & { readonly waitReplicas: number };

export const isReplicated = (entry: OutgoingEntry): entry is ReplicatedEntry =>
  entry.waitReplicas !== undefined;

export interface ReplicatedPublishingOptions {
  /**
   * Makes connections of their own, at the first message that waits for replicas. The server
   * answers nothing else on a connection that waits for replicas.
   */
  readonly connect: () => Commands;
  readonly keys: Keys;
  /** Longest wait for replicas, in milliseconds. */
  readonly timeout: number;
}

/** The script and IDMP do not know each other's keys: a message might be stored twice. */
const NATIVE_IN_VAIN =
  "waitReplicas cannot be combined with an idempotency key whose window is 'native'. " +
  'Set idempotencyWindow to a number of milliseconds.';

interface Waiting {
  readonly entry: ReplicatedEntry;
  readonly resolve: (result: Result) => void;
}

/**
 * Publishes entries and waits until the wanted number of replicas has them. During one wait further
 * entries gather. One wait serves all entries that were written before it.
 */
export class ReplicatedPublishing {
  private commands: Commands | undefined;
  private waiting: Waiting[] = [];
  private underWay = false;
  private closed = false;

  constructor(private readonly options: ReplicatedPublishingOptions) {}

  publish(entries: readonly ReplicatedEntry[]): Promise<Result[]> {
    const results = entries.map((entry) =>
      entry.idempotency?.window === 'native'
        ? Promise.resolve(new InvalidMessageError(NATIVE_IN_VAIN))
        : new Promise<Result>((resolve) => this.waiting.push({ entry, resolve })),
    );
    void this.flush();
    return Promise.all(results);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.commands?.close();
  }

  private async flush(): Promise<void> {
    if (this.underWay) return;
    this.underWay = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      const slots = bySlot(batch, ({ entry }) => this.options.keys.stream(entry.stream));
      await Promise.all([...slots.values()].map((same) => this.together(same)));
    }
    this.underWay = false;
  }

  /** Publishes entries of one slot, in order. */
  private async together(batch: readonly Waiting[]): Promise<void> {
    const { keys, timeout, connect } = this.options;
    const key = keys.stream(batch[0]!.entry.stream);
    const most = Math.max(...batch.map(({ entry }) => entry.waitReplicas));
    try {
      if (this.closed) throw new ClosedError('The connection to Redis');
      const commands = (this.commands ??= connect());
      const { appended, confirmed } = await commands.run(
        'publishing with waitReplicas',
        async (client) => {
          const written = batch.map(({ entry }) => this.append(client, entry));
          const found = await Promise.allSettled(written);
          const [first] = found;
          // Nothing was written: on a cluster the entries may belong to another node by now.
          if (first?.status === 'rejected' && found.every(({ status }) => status === 'rejected')) {
            throw first.reason;
          }
          return { appended: found, confirmed: await waitFor(client, most, timeout) };
        },
        key,
      );
      for (const [index, { entry, resolve }] of batch.entries()) {
        resolve(this.resultOf(entry, appended[index]!, confirmed));
      }
    } catch (error) {
      for (const { resolve } of batch) resolve(error as Error);
    }
  }

  private async append(client: Redis, entry: ReplicatedEntry): Promise<string> {
    const { keys } = this.options;
    if (isDelayed(entry)) {
      const [stored] = await scheduleEntries(client, keys, [entry]);
      if (stored instanceof Error) throw stored;
      return stored!;
    }
    const appended = isIdempotent(entry)
      ? publishOnce.run(client, ...onceArguments(keys, entry))
      : client.xadd(keys.stream(entry.stream), '*', ...entry.fields);
    return String(await appended);
  }

  private resultOf(
    { stream, waitReplicas }: ReplicatedEntry,
    appended: PromiseSettledResult<string>,
    confirmed: number | Error,
  ): Result {
    if (appended.status === 'rejected') {
      return typedError(
        appended.reason,
        `publishing to "${stream}"`,
        this.options.keys.stream(stream),
      );
    }
    const [replicas, cause] = confirmed instanceof Error ? [0, confirmed] : [confirmed, undefined];
    if (cause instanceof PermissionDeniedError) return cause;
    if (replicas >= waitReplicas) return appended.value;
    const { timeout } = this.options;
    return new NotReplicatedError(stream, appended.value, waitReplicas, replicas, timeout, cause);
  }
}

/**
 * @returns how many replicas have confirmed, or an error that does not look as if nothing had been
 * written
 */
async function waitFor(client: Redis, most: number, timeout: number): Promise<number | Error> {
  try {
    return await client.wait(most, timeout);
  } catch (error) {
    return typedError(error, 'waiting for replicas', undefined, 'wait');
  }
}
