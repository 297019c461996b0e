import {
  ConsumerHasPendingError,
  GroupNotFoundError,
  StreamNotFoundError,
} from '../../core/errors/group.errors.js';
import type {
  ConsumerReport,
  GroupAdmin,
  PendingEntries,
  PendingEntry,
} from '../../ports/group-admin.js';
import type { GroupMembers, LiveConsumers } from '../../ports/live-consumers.js';
import { flag, text, whole } from '../../core/declaring/kinds.js';
import { declareOptions, type Given } from '../../core/declaring/shape.js';
import { names, refuse } from '../../core/declaring/refuse.js';
import { position, type Page } from '../../options/admin-options.js';
import { infoOf, type GroupInfo } from './group-info.js';
import { handOver } from './claim-pages.js';
import {
  allPending,
  pendingPage,
  type PendingFilter,
  type PendingPageOptions,
} from './pending-pages.js';

/** A consumer that reads on while its entries are handed over is given up after so many rounds. */
const ROUNDS = 10;

const CREATE_OPTIONS = declareOptions('createGroup', {
  /** `'0'` all that the stream holds, `'$'` only what comes, or the id behind which it begins. @default '0' */
  startId: position,
  /** Whether to create the stream where it is missing. @default true */
  mkstream: flag(),
});

export interface CreateGroupOptions extends Given<typeof CREATE_OPTIONS> {}

const REMOVE_OPTIONS = declareOptions('removeConsumer', {
  /** The consumer that gets what is still pending. @default none: the removal is refused then */
  handOverTo: text(),
});

export interface RemoveConsumerOptions extends Given<typeof REMOVE_OPTIONS> {}

const CLAIM_OPTIONS = declareOptions('claimStale', {
  /** The consumer that gets them. */
  consumer: text().required(),
  /** Only entries that were not delivered or kept fresh for this time, in milliseconds. */
  minIdleMs: whole(0).required(),
  /** Most entries that are claimed. @default 1000 */
  count: whole(1),
});

export interface ClaimStaleOptions extends Given<typeof CLAIM_OPTIONS> {}

/**
 * Creates, inspects, moves and deletes consumer groups. Injectable. Arguments that cannot be right
 * are an InvalidOptionsError before anything is sent; otherwise ConnectionError,
 * PermissionDeniedError, WrongKeyTypeError and ClosedError are possible everywhere.
 */
export class ConsumerGroupManager {
  /** @internal Of its injection tokens, also where a bundler renames the class. */
  static readonly token: string = 'ConsumerGroupManager';

  /** @internal */
  constructor(
    private readonly groups: GroupAdmin,
    private readonly entries: PendingEntries,
    private readonly live: LiveConsumers,
  ) {}

  /**
   * Creates a group. What was remembered of an earlier one of this name counts no more: it begins at
   * `startId`, and consumers whose group was deleted read on.
   * @returns true where this call created it, false where it existed; of several at the same moment,
   * one answers true
   * @throws StreamNotFoundError where the stream is missing and `mkstream` is false
   */
  async createGroup(
    stream: string,
    group: string,
    options: CreateGroupOptions = {},
  ): Promise<boolean> {
    refuse(names({ stream, group }), CREATE_OPTIONS.problems(options));
    const { startId = '0', mkstream = true } = options;
    return this.groups.create(stream, group, { startId, createStream: mkstream });
  }

  /**
   * Deletes a group with all that is pending, and keeps its consumers, running or starting, from
   * creating it again: they read nothing of this stream until `createGroup`.
   * @returns false where there was none
   */
  async deleteGroup(stream: string, group: string): Promise<boolean> {
    refuse(names({ stream, group }));
    return this.groups.delete(stream, group);
  }

  /** Their names. @throws StreamNotFoundError */
  async listGroups(stream: string): Promise<string[]> {
    refuse(names({ stream }));
    const [report] = await this.groups.describe([stream]);
    if (!report) throw new StreamNotFoundError(stream);
    return report.groups.map(({ name }) => name);
  }

  /** @throws GroupNotFoundError, also where the stream is missing */
  async getGroupInfo(stream: string, group: string): Promise<GroupInfo> {
    refuse(names({ stream, group }));
    const [report] = await this.groups.describe([stream]);
    const info = report && infoOf(report, group);
    if (!info) throw new GroupNotFoundError(stream, group);
    return info;
  }

  /** @throws GroupNotFoundError, StreamNotFoundError */
  async listConsumers(stream: string, group: string): Promise<ConsumerReport[]> {
    refuse(names({ stream, group }));
    return this.groups.consumers(stream, group);
  }

  /**
   * The consumers of a group on a stream as they have announced themselves: process, event types, state,
   * and options that all should share. Those that are closed or dead stay listed for a day.
   * `unannounced` names consumers of versions that announce nothing. Neither the stream nor the group has
   * to exist.
   */
  async liveConsumers(stream: string, group: string): Promise<GroupMembers> {
    refuse(names({ stream, group }));
    return this.live.members(stream, group);
  }

  /** What was delivered and not settled, page by page. @throws GroupNotFoundError, StreamNotFoundError */
  async getPending(
    stream: string,
    group: string,
    options: PendingPageOptions = {},
  ): Promise<Page<PendingEntry>> {
    return pendingPage(this.entries, stream, group, options);
  }

  /** All that was delivered and not settled, one after the other. @throws GroupNotFoundError, StreamNotFoundError */
  eachPending(
    stream: string,
    group: string,
    filter: PendingFilter = {},
  ): AsyncGenerator<PendingEntry, void> {
    return allPending(this.entries, stream, group, filter);
  }

  /**
   * Moves a group: it reads on behind `id`, which is `'0'`, `'$'` or an id. Moved back, it reads
   * again what it had read; moved on, it skips. What is pending stays so.
   * @throws GroupNotFoundError, StreamNotFoundError
   */
  async setPosition(stream: string, group: string, id: string): Promise<void> {
    refuse(names({ stream, group }), position.required().problems(id, 'id'));
    await this.groups.setPosition(stream, group, id);
  }

  /**
   * Removes a consumer from its group. What is pending to it would be lost with it: it is handed over
   * first, uncharged, or else the removal is refused. One that still runs comes back at its next read.
   * @returns how many entries were handed over
   * @throws ConsumerHasPendingError, GroupNotFoundError, StreamNotFoundError
   */
  async removeConsumer(
    stream: string,
    group: string,
    consumer: string,
    options: RemoveConsumerOptions = {},
  ): Promise<number> {
    refuse(
      names({ stream, group, consumer }),
      REMOVE_OPTIONS.problems(options),
      options?.handOverTo === consumer ? ['handOverTo must be another consumer'] : [],
    );
    const { handOverTo } = options;
    let handedOver = 0;
    for (let round = 0; ; round++) {
      const pending = await this.groups.removeConsumer(stream, group, consumer);
      if (pending === 0) return handedOver;
      if (handOverTo === undefined || round === ROUNDS) {
        throw new ConsumerHasPendingError(stream, group, consumer, pending);
      }
      const from = { stream, group, filter: { consumer } };
      const to = { consumer: handOverTo, minIdleMs: 0 };
      handedOver += (await handOver(this.entries, from, to, pending)).length;
    }
  }

  /**
   * Hands entries that nobody kept fresh to a consumer, oldest first, without counting a run. Where
   * that consumer runs, it takes them up; entries whose data is gone are dropped.
   * @returns the ids; fewer than `count`: that was all
   * @throws GroupNotFoundError, StreamNotFoundError
   */
  async claimStale(stream: string, group: string, options: ClaimStaleOptions): Promise<string[]> {
    refuse(names({ stream, group }), CLAIM_OPTIONS.problems(options));
    const { consumer, minIdleMs, count = 1000 } = options;
    const from = { stream, group, filter: { minIdleMs } };
    return handOver(this.entries, from, { consumer, minIdleMs }, count);
  }
}
