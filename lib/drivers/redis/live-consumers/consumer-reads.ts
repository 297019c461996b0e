import type { Commands } from '../connection/commands.js';
import { readConsumers, type ConsumersPlace, type ConsumersRead } from './read-consumers.script.js';
import { batchesOf } from './stream-batches.js';

interface Waiting extends ConsumersPlace {
  resolve(read: ConsumersRead): void;
  reject(error: unknown): void;
}

/**
 * Reads the consumers of many places by one script: all that are asked for in one turn of the event
 * loop.
 */
export class ConsumerReads {
  private waiting: Waiting[] = [];

  constructor(private readonly commands: Commands) {}

  read(place: ConsumersPlace): Promise<ConsumersRead> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...place, resolve, reject });
      if (this.waiting.length === 1) queueMicrotask(() => this.readAll());
    });
  }

  private readAll(): void {
    const waiting = this.waiting.splice(0);
    for (const some of batchesOf(this.commands, waiting, ({ consumers }) => consumers)) {
      void this.readSome(some);
    }
  }

  private async readSome(places: readonly Waiting[]): Promise<void> {
    try {
      const reads = await this.commands.run(
        'reading the consumers of a group',
        (client) => readConsumers(client, places),
        places[0]!.consumers,
      );
      for (const [index, place] of places.entries()) place.resolve(reads[index]!);
    } catch (error) {
      // A place that cannot be read must not hide the others.
      if (places.length === 1) places[0]!.reject(error);
      else for (const place of places) void this.readSome([place]);
    }
  }
}
