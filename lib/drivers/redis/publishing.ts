import type { Redis } from 'ioredis';
import type { OutgoingEntry } from '../../core/message.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { isDemoted, typedError } from './reply-errors.js';

type Result = string | Error;

interface Waiting {
  readonly entries: readonly OutgoingEntry[];
  readonly resolve: (results: Result[]) => void;
}

/** Most entries of one write. More would wait for each other's replies, and live long enough to be dear. */
const AT_ONCE = 100;

/**
 * Appends entries with one XADD each. What is published in the same turn of the event loop goes out
 * together, in order: a write per command costs more than the command.
 */
export class Publishing {
  private waiting: Waiting[] = [];

  constructor(
    private readonly commands: Connection,
    private readonly keys: Keys,
  ) {}

  async publish(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    if (entries.length <= AT_ONCE) return this.enqueue(entries);
    const parts: Promise<Result[]>[] = [];
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      parts.push(this.enqueue(entries.slice(at, at + AT_ONCE)));
    }
    return (await Promise.all(parts)).flat();
  }

  private enqueue(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    return new Promise((resolve) => {
      if (this.waiting.length === 0) process.nextTick(() => this.flush());
      this.waiting.push({ entries, resolve });
    });
  }

  private flush(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (let from = 0, to = 0; from < waiting.length; from = to) {
      let size = 0;
      do size += waiting[to++]!.entries.length;
      while (to < waiting.length && size + waiting[to]!.entries.length <= AT_ONCE);
      void this.write(waiting.slice(from, to));
    }
  }

  private async write(waiting: readonly Waiting[]): Promise<void> {
    const results = await this.append(waiting.flatMap((one) => one.entries));
    let at = 0;
    for (const one of waiting) one.resolve(results.slice(at, (at += one.entries.length)));
  }

  private async append(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    try {
      return await this.commands.run('publishing', (client) => this.pipeline(client, entries));
    } catch (error) {
      return entries.map((entry) => this.refusal(error, entry));
    }
  }

  private async pipeline(client: Redis, entries: readonly OutgoingEntry[]): Promise<Result[]> {
    const pipeline = client.pipeline();
    for (const { stream, fields } of entries)
      pipeline.xadd(this.keys.stream(stream), '*', ...fields);
    const replies = (await pipeline.exec()) ?? [];
    if (replies.some(([error]) => isDemoted(error))) this.commands.discard(client);
    return entries.map((entry, index) => {
      const [error, id] = replies[index] ?? [new Error('no reply')];
      return error ? this.refusal(error, entry) : (id as string);
    });
  }

  private refusal(error: unknown, { stream }: OutgoingEntry): Error {
    return typedError(error, `publishing to "${stream}"`, this.keys.stream(stream));
  }
}
