import { expect } from '../../running/expect.js';
import { port, skip } from '../../running/skipped.js';
import type { GroupAdmin, GroupReport, PendingEntries } from '../../../ports/group-admin.js';
import { SourceWorld } from '../../world/source-world.js';

export const ALL = { count: 100 };

export const idsOf = (entries: readonly { id: string }[]): string[] => entries.map(({ id }) => id);

/** A driver whose server knows the consumers of a group. */
export type OfConsumers = Required<Pick<GroupAdmin, 'consumers' | 'removeConsumer'>>;

const knowsConsumers = (groups: GroupAdmin): groups is GroupAdmin & OfConsumers =>
  groups.consumers !== undefined && groups.removeConsumer !== undefined;

/** One test's stream and group, and the ports that look after them. */
export class GroupWorld extends SourceWorld {
  groups!: GroupAdmin;

  /** Call it before the test. */
  async begin(): Promise<void> {
    this.groups = port(await this.driver(), 'groups');
  }

  /** Ends the test as skipped where the driver keeps no list of pending entries. */
  async pending(): Promise<PendingEntries> {
    return port(await this.driver(), 'pending');
  }

  /** Ends the test as skipped where moving a group keeps what is pending. */
  needNoPending(): Promise<void> {
    return this.need((_, { pending }) => pending === undefined, 'forget what is pending');
  }

  /** Ends the test as skipped where the driver knows no consumers of a group. */
  async ofConsumers(): Promise<OfConsumers> {
    const { groups } = this;
    if (knowsConsumers(groups)) return groups;
    const { technology } = (await this.source()).capabilities;
    return skip(`${technology} knows no consumers of a group`);
  }

  create(startId = '0', createStream = true): Promise<boolean> {
    return this.groups.create(this.stream, this.group, { startId, createStream });
  }

  async report(group = this.group): Promise<GroupReport> {
    const [found] = await this.groups.describe([this.stream]);
    return found!.groups.find((one) => one.name === group)!;
  }

  /**
   * Expects this of the report, within a second: a source may tell its server a little later what
   * consumers have settled.
   */
  async expectReport(expected: object): Promise<void> {
    for (let looks = 0; looks < 50; looks++) {
      try {
        return expect(await this.report()).toMatchObject(expected);
      } catch {
        await this.harness.elapse(20);
      }
    }
    expect(await this.report()).toMatchObject(expected);
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
