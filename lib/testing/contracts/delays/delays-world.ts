import { expect } from '../../running/expect.js';
import { port, skip } from '../../running/skipped.js';
import { until } from '../../running/until.js';
import type { DelayStore, Promoted } from '../../../ports/delays.js';
import type { When } from '../../../core/message.js';
import { entry, SourceWorld, valueOf } from '../../world/source-world.js';

/** Longer than any test, in milliseconds. */
export const LATER = 60_000;
/** Short enough to wait for, in milliseconds. */
export const SOON = 60;

/** One test's delayed messages. */
export class DelaysWorld extends SourceWorld {
  delays!: DelayStore;

  /** Call it before the test. */
  async begin(): Promise<void> {
    this.delays = port(await this.driver(), 'delays');
  }

  /** Skips a test of what `promote` does. */
  async needPromoting(): Promise<void> {
    if (!this.delays.movedByServer) return;
    const { capabilities } = await this.source();
    skip(`the server of ${capabilities.technology} moves due entries by itself`);
  }

  /** How late due entries may be moved. Skips a test of servers that move them by themselves. */
  async needMovingServer(): Promise<number> {
    const { movedByServer } = this.delays;
    if (movedByServer) return movedByServer.within;
    return skip(
      `${(await this.source()).capabilities.technology} moves due entries by \`promote\``,
    );
  }

  /** Short enough to wait for, long enough to cancel before it has passed, in milliseconds. */
  get soon(): number {
    return Math.max(SOON, 4 * (this.delays.movedByServer?.within ?? 0));
  }

  /** Moves what is due, and expects that so many entries are. */
  async expectMoved(count: number, of = this.stream): Promise<void> {
    if (!this.delays.movedByServer) {
      expect((await this.promote(of)).moved).toBe(count);
      return;
    }
    await until('the server has moved what is due', async () => {
      const { items } = await this.delays.list(of, 1000);
      return items.every(({ dueAt }) => dueAt > this.harness.now());
    });
  }

  delayed(value: string, when: When, to = this.stream) {
    return { stream: to, fields: entry(value), when };
  }

  /** Stores values that are due in `ms` milliseconds. @returns their ids */
  async schedule(ms: number, ...values: string[]): Promise<string[]> {
    const entries = values.map((value) => this.delayed(value, { in: ms }));
    const results = await this.delays.schedule(entries);
    for (const result of results) expect(result).toMatch(/^delayed-./);
    return results as string[];
  }

  async promote(of = this.stream): Promise<Promoted> {
    const [result] = await this.delays.promote([of]);
    if (result instanceof Error) throw result;
    return result!;
  }

  /** All that is in a stream. */
  async published(of = this.stream): Promise<(string | undefined)[]> {
    const end = this.harness.unique('end');
    await this.publishTo(of, end);
    const reader = await this.reader(this.harness.unique('reader'), {
      streams: [of],
      group: this.harness.unique('group'),
    });
    const found: (string | undefined)[] = [];
    while (found.at(-1) !== end) {
      const leases = await reader.until(reader.subscription.pull(1000));
      found.push(...leases.map(valueOf));
    }
    return found.filter((value) => !value?.startsWith('end'));
  }

  /** Values of the messages that wait, soonest first. */
  async waiting(of = this.stream): Promise<(string | undefined)[]> {
    return (await this.delays.list(of, 1000)).items.map(({ fields }) => fields[3]);
  }
}
