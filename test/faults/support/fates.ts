import { pace } from '../../support/passing-time.js';
import { STREAM, type WorkerScene } from './worker-scene.js';

/** How many messages one publisher hands over at once. */
const CHUNK = 20;

/** What became of the messages of a publisher that publishes each of them once, by their numbers. */
export class Fates {
  readonly confirmed = new Map<number, string>();
  readonly notSent = new Set<number>();
  readonly unknown = new Set<number>();
  /** Of errors that say nothing of the fate. */
  readonly others = new Set<string>();
  /** Batches that have no answer yet. */
  underWay = 0;
  private goesOn = true;

  constructor(private readonly scene: WorkerScene) {}

  get count(): number {
    return this.confirmed.size + this.notSent.size + this.unknown.size;
  }

  /** Publishes until it is stopped. The numbers are `first`, `first + step`, and so on. */
  async flow(first: number, step: number): Promise<void> {
    for (let n = first; this.goesOn;) {
      const numbers = Array.from({ length: CHUNK }, (_, at) => n + at * step);
      n += CHUNK * step;
      this.underWay++;
      const results = await this.scene.publisher.producer.publishBatch(
        numbers.map((number) => ({ eventType: 'order', payload: { n: number }, stream: STREAM })),
      );
      this.underWay--;
      for (const [at, result] of results.entries()) this.note(numbers[at]!, result);
      await pace(10);
    }
  }

  stop(): void {
    this.goesOn = false;
  }

  private note(n: number, result: string | Error): void {
    if (typeof result === 'string') this.confirmed.set(n, result);
    else {
      const { outcome, code } = result as { outcome?: string; code?: string };
      if (outcome === 'not-sent') this.notSent.add(n);
      else this.unknown.add(n);
      if (outcome === undefined) this.others.add(String(code));
    }
  }
}

/** The ids under which each number is stored. */
export async function storedNumbers(scene: WorkerScene): Promise<Map<number, string[]>> {
  const stored = new Map<number, string[]>();
  for (const { id, fields } of await scene.entries(STREAM)) {
    const { n } = JSON.parse(fields[fields.indexOf('payload') + 1]!) as { n: number };
    stored.set(n, [...(stored.get(n) ?? []), id]);
  }
  return stored;
}
