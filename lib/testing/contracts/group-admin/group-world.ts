import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { GroupAdmin, GroupReport, PendingEntries } from '../../../ports/group-admin.js';
import { SourceWorld } from '../../world/source-world.js';

export const ALL = { count: 100 };

export const idsOf = (entries: readonly { id: string }[]): string[] => entries.map(({ id }) => id);

/** One test's stream and group, and the ports that look after them. */
export class GroupWorld extends SourceWorld {
  groups!: GroupAdmin;
  pending!: PendingEntries;

  /** Call it before the test. */
  async begin(): Promise<void> {
    const driver = await this.driver();
    [this.groups, this.pending] = [port(driver, 'groups'), port(driver, 'pending')];
  }

  create(startId = '0', createStream = true): Promise<boolean> {
    return this.groups.create(this.stream, this.group, { startId, createStream });
  }

  async report(): Promise<GroupReport> {
    const [found] = await this.groups.describe([this.stream]);
    return found!.groups.find((one) => one.name === this.group)!;
  }

  /** Expects that this id is before all others: nothing was delivered, or published. */
  async expectBeginning(id: string | undefined): Promise<void> {
    const { ids } = await this.driver();
    const [any] = await this.publishTo(this.harness.unique('any'), 'a');
    expect(ids.accepts(id!)).toBe(true);
    expect(ids.compare(id!, any!)).toBeLessThan(0);
  }

  async names(): Promise<string[] | undefined> {
    const [found] = await this.groups.describe([this.stream]);
    return found?.groups.map((one) => one.name).sort();
  }
}
