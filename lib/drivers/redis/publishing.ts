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

/** Most entries written in one go. */
const AT_ONCE = 1000;

/**
 * Appends entries with one XADD each. What is published in the same turn of the event loop goes out
 * in one write, in order: a write per command costs more than the command.
 */
export class Publishing {
  private waiting: Waiting[] = [];

  constructor(
    private readonly commands: Connection,
    private readonly keys: Keys,
  ) {}

  publish(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    return new Promise((resolve) => {
      if (this.waiting.length === 0) process.nextTick(() => void this.flush());
      this.waiting.push({ entries, resolve });
    });
  }

  private async flush(): Promise<void> {
    const waiting = this.waiting;
    this.waiting = [];
    const entries = waiting.flatMap((one) => one.entries);
    const results: Result[] = [];
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      results.push(...(await this.append(entries.slice(at, at + AT_ONCE))));
    }
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
