import { GroupNotFoundError, StreamNotFoundError } from '../../core/errors/group.errors.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type {
  ConsumerReport,
  GroupAdmin,
  PendingEntries,
  PendingEntry,
} from '../../ports/group-admin.js';
import type { GroupMembers, LiveConsumers } from '../../ports/live-consumers.js';
import { names, refuse } from '../../core/option-schema/refuse.js';
import {
  CLAIM_OPTIONS,
  CREATE_OPTIONS,
  PENDING_PAGE_OPTIONS,
  REMOVE_OPTIONS,
  type ClaimStaleOptions,
  type CreateGroupOptions,
  type RemoveConsumerOptions,
  type Page,
  type PendingFilter,
  type PendingPageOptions,
} from '../../options/admin-options.js';
import { pageStart, streamPosition } from '../../options/message-ids.js';
import type { AdminReport } from '../../core/admin-report.js';
import type { IdFormat } from '../../ports/id-format.js';
import { infoOf, type GroupInfo } from './group-info.js';
import { handOver } from './claim-pages.js';
import { removeConsumer } from './remove-consumer.js';
import { allPending, pendingPage } from './pending-pages.js';

/**
 * Creates, inspects, moves and deletes consumer groups. Injectable. Invalid arguments throw an
 * InvalidOptionsError before anything is sent. Every method may also throw ConnectionError,
 * PermissionDeniedError, WrongKeyTypeError and ClosedError.
 */
export class ConsumerGroupManager {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'ConsumerGroupManager';

  /** @internal */
  constructor(
    private readonly groups: GroupAdmin,
    private readonly entries: PendingEntries,
    private readonly live: LiveConsumers,
    private readonly ids: IdFormat,
    private readonly technology: string,
    private readonly report: AdminReport,
  ) {}

  /**
   * Creates a group that begins at `startId`. A remembered position or deletion of an earlier group
   * of this name is forgotten. Consumers whose group was deleted read on.
   * @returns true where this call created the group, false where it existed; of several calls at
   * the same moment, one returns true
   * @throws StreamNotFoundError where the stream is missing and `mkstream` is false
   */
  async createGroup(
    stream: string,
    group: string,
    options: CreateGroupOptions = {},
  ): Promise<boolean> {
    refuse(
      names({ stream, group }),
      CREATE_OPTIONS.problems(options),
      streamPosition(this.ids).problems(options?.startId, 'startId'),
    );
    const { startId = '0', mkstream = true } = options;
    return this.report.around(
      { action: 'groups.create', stream, group, details: { startId } },
      () => this.groups.create(stream, group, { startId, createStream: mkstream }),
    );
  }

  /**
   * Deletes a group with all its pending entries. Its consumers, running or starting, do not create
   * the group again: they read nothing of this stream until `createGroup` is called.
   * @returns false where there was no such group
   */
  async deleteGroup(stream: string, group: string): Promise<boolean> {
    refuse(names({ stream, group }));
    return this.report.around({ action: 'groups.delete', stream, group }, () =>
      this.groups.delete(stream, group),
    );
  }

  /** Returns the names of the groups. @throws StreamNotFoundError */
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

  /** @throws GroupNotFoundError, StreamNotFoundError, UnsupportedFeatureError */
  async listConsumers(stream: string, group: string): Promise<ConsumerReport[]> {
    refuse(names({ stream, group }));
    if (!this.groups.consumers) throw this.unknownConsumers('Listing the consumers of a group');
    return this.groups.consumers(stream, group);
  }

  /**
   * The consumers of a group on a stream, as each has announced itself: process, event types,
   * state, and the options that all should share. Closed and dead consumers stay listed for a day.
   * `unannounced` names consumers of versions that announce nothing. Neither the stream nor the
   * group has to exist.
   */
  async liveConsumers(stream: string, group: string): Promise<GroupMembers> {
    refuse(names({ stream, group }));
    return this.live.members(stream, group);
  }

  /** Returns one page of the pending entries. @throws GroupNotFoundError, StreamNotFoundError */
  async getPending(
    stream: string,
    group: string,
    options: PendingPageOptions = {},
  ): Promise<Page<PendingEntry>> {
    refuse(
      names({ stream, group }),
      PENDING_PAGE_OPTIONS.problems(options),
      pageStart(this.ids).problems(options?.start, 'start'),
    );
    return pendingPage(this.entries, stream, group, options);
  }

  /** Yields all pending entries. @throws GroupNotFoundError, StreamNotFoundError */
  eachPending(
    stream: string,
    group: string,
    filter: PendingFilter = {},
  ): AsyncGenerator<PendingEntry, void> {
    return allPending(this.entries, stream, group, filter);
  }

  /**
   * Moves a group: it reads on behind `position`, which is `'0'`, `'$'` or an id; or, where it is a `Date`,
   * with the first message that was published at that time or later. A group that is moved back reads
   * entries again; a group that is moved on skips entries. Pending entries stay pending. On Kafka an id
   * moves the group in the partition of that message alone.
   * @throws GroupNotFoundError, StreamNotFoundError
   * @throws GroupHasPendingError on NATS, which would forget entries that are pending
   * @throws UnsupportedFeatureError for a `Date` on NATS
   */
  async setPosition(stream: string, group: string, position: string | Date): Promise<void> {
    if (position instanceof Date) {
      const time = position.getTime();
      const isValid = Number.isSafeInteger(time) && time >= 0;
      refuse(names({ stream, group }), isValid ? [] : ['position must be a valid Date since 1970']);
      return this.report.around(moved(stream, group, position), async () => {
        if (!this.groups.setPositionAt) throw this.unknownTimes();
        return this.groups.setPositionAt(stream, group, time);
      });
    }
    const wanted = streamPosition(this.ids).required();
    refuse(names({ stream, group }), wanted.problems(position, 'id'));
    await this.report.around(moved(stream, group, position), () =>
      this.groups.setPosition(stream, group, position),
    );
  }

  /**
   * Removes a consumer from its group. Its pending entries would be lost with it. So they are
   * handed over to `handOverTo` first, uncharged; without `handOverTo` the call throws. A consumer
   * that still runs comes back at its next read.
   * @returns how many entries were handed over
   * @throws ConsumerHasPendingError, GroupNotFoundError, StreamNotFoundError, UnsupportedFeatureError
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
    const details = { consumer, handOverTo };
    const target = { action: 'groups.remove-consumer', stream, group, details } as const;
    return this.report.around(target, async () => {
      if (!this.groups.removeConsumer) throw this.unknownConsumers('Removing a consumer');
      return removeConsumer(this.groups, this.entries, { stream, group, consumer, handOverTo });
    });
  }

  /**
   * Hands entries that no consumer kept fresh to a consumer, oldest first, without counting a run.
   * If that consumer runs, it handles them. Entries whose data was deleted are dropped.
   * @returns the ids; fewer than `count`: no more entries were stale
   * @throws GroupNotFoundError, StreamNotFoundError
   */
  async claimStale(stream: string, group: string, options: ClaimStaleOptions): Promise<string[]> {
    refuse(names({ stream, group }), CLAIM_OPTIONS.problems(options));
    const { consumer, minIdleMs, count = 1000 } = options;
    const from = { stream, group, filter: { minIdleMs } };
    const details = { consumer, minIdleMs, count };
    return this.report.around({ action: 'groups.claim-stale', stream, group, details }, () =>
      handOver(this.entries, from, { consumer, minIdleMs }, count),
    );
  }

  private unknownTimes(): UnsupportedFeatureError {
    return new UnsupportedFeatureError(
      'Moving a group to a time',
      this.technology,
      'Look for the last message before that time, and move the group to its id.',
    );
  }

  private unknownConsumers(operation: string): UnsupportedFeatureError {
    return new UnsupportedFeatureError(
      operation,
      this.technology,
      'Its server knows groups, and none of their consumers. Look at the processes themselves.',
    );
  }
}

/** What a move of a group says of itself. */
const moved = (stream: string, group: string, position: string | Date) =>
  ({ action: 'groups.set-position', stream, group, details: { position } }) as const;
