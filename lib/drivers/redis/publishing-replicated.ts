import type { Redis } from 'ioredis';
import { NotReplicatedError } from '../../core/errors.js';
import type { OutgoingEntry } from '../../core/message.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import type { Result } from './publishing.js';
import { isIdempotent, onceArguments } from './publishing-once.js';
import { publishOnce } from './scripts/publish-once.script.js';

export type ReplicatedEntry = OutgoingEntry & { readonly waitReplicas: number };

export const isReplicated = (entry: OutgoingEntry): entry is ReplicatedEntry =>
  entry.waitReplicas !== undefined;

export interface ReplicatedPublishingOptions {
  /**
   * Makes connections of their own, at the first such message: the server answers nothing else on a
   * connection that waits for replicas.
   */
  readonly connect: () => Commands;
  readonly keys: Keys;
  /** Longest wait for replicas, ms. */
  readonly timeout: number;
}

/** Publishes entries and waits until so many replicas have them. */
export class ReplicatedPublishing {
  private commands: Commands | undefined;

  constructor(private readonly options: ReplicatedPublishingOptions) {}

  publish(entries: readonly ReplicatedEntry[]): Promise<Result[]> {
    const commands = (this.commands ??= this.options.connect());
    return Promise.all(
      entries.map((entry) =>
        this.one(commands, entry).catch((error: unknown): Error => error as Error),
      ),
    );
  }

  async close(): Promise<void> {
    await this.commands?.close();
  }

  private async one(commands: Commands, entry: ReplicatedEntry): Promise<string> {
    const { keys, timeout } = this.options;
    const { stream, fields, waitReplicas } = entry;
    const key = keys.stream(stream);
    const append = async (client: Redis): Promise<[id: string, replicas: number]> => {
      const appended = isIdempotent(entry)
        ? publishOnce.run(client, ...onceArguments(keys, entry))
        : client.xadd(key, '*', ...fields);
      const id = String(await appended);
      return [id, await client.wait(waitReplicas, timeout)];
    };
    const [id, replicas] = await commands.run(`publishing to "${stream}"`, append, key);
    if (replicas < waitReplicas) {
      throw new NotReplicatedError(stream, id, waitReplicas, replicas, timeout);
    }
    return id;
  }
}
