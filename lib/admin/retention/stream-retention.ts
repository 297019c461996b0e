import type { Driver } from '../../ports/driver.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import { StreamNotFoundError } from '../../core/errors/group.errors.js';
import type { FurthestBehind, StreamReport } from '../../ports/group-admin.js';
import { names, refuse } from '../../core/option-schema/refuse.js';
import { type RetentionPolicy, type StreamFootprint } from '../../ports/retention.js';
import {
  retentionPolicies,
  type RetentionPolicies,
  type RetentionRule,
} from '../../options/retention-options.js';

/** The group that keeps a stream from being trimmed, and what could be deleted without it. */
export interface RetentionPin {
  /** Name of the group. */
  readonly group: string;
  /**
   * `pending`: the group has this entry pending. `held`: so it has, on hold, until an operator
   * releases it. `undelivered`: the group has read no further.
   */
  readonly by: 'pending' | 'held' | 'undelivered';
  /**
   * For `pending` and `held` the oldest entry that the group still needs; for `undelivered` the last entry
   * that it has read.
   */
  readonly id: string;
  /**
   * Time since the oldest entry that the group needs was published, in milliseconds. 0 where it
   * needs none.
   */
  readonly age: number;
  /** Number of entries from that one on. `null`: not known. */
  readonly entries: number | null;
  /** Estimated share of `memory` that these entries take. `null`: not known. */
  readonly memory: number | null;
}

/** What a stream keeps, and which group needs it. */
export interface RetentionReport {
  /** Name of the stream. */
  readonly stream: string;
  /** The policy of this process for the stream. */
  readonly policy: RetentionPolicy;
  /** Number of entries in the stream. */
  readonly length: number;
  /** Bytes of the whole stream, as the server estimates it. `null`: not known. */
  readonly memory: number | null;
  /**
   * The group that is furthest behind. Undefined where the stream has no groups: nothing is deleted
   * then.
   */
  readonly pinnedBy: RetentionPin | undefined;
}

/** Reports what streams keep, and which group needs it. Injectable. */
export class StreamRetention {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'StreamRetention';
  private readonly policies: RetentionPolicies;

  /** @internal */
  constructor(
    private readonly driver: Pick<Driver, 'groups' | 'retention' | 'source'>,
    given: RetentionPolicy | readonly RetentionRule[],
  ) {
    this.policies = retentionPolicies(given);
  }

  /** @throws InvalidOptionsError, StreamNotFoundError, UnsupportedFeatureError, and errors of the connection */
  async report(stream: string): Promise<RetentionReport> {
    refuse(names({ stream }));
    const { groups, retention } = this.driver;
    if (!groups || !retention) {
      const { technology } = this.driver.source.capabilities;
      const advice = "Ask the technology's own tools.";
      throw new UnsupportedFeatureError('A report on retention', technology, advice);
    }
    const [report] = await groups.describe([stream]);
    const furthest = report?.furthestBehind;
    const footprint = report && (await retention.footprint(stream, furthest?.needs));
    if (!footprint) throw new StreamNotFoundError(stream);
    return {
      stream,
      policy: this.policies(stream),
      length: report.length,
      memory: footprint.bytes,
      pinnedBy: furthest && pinOf(furthest, report, footprint),
    };
  }
}

function pinOf(
  { name, by, needs }: FurthestBehind,
  { length, groups }: StreamReport,
  { bytes, before }: StreamFootprint,
): RetentionPin {
  const group = groups.find((one) => one.name === name)!;
  const counted = before === null ? null : Math.max(0, length - before);
  const entries = counted ?? (by === 'undelivered' ? group.lag : null);
  return {
    group: name,
    by,
    id: by === 'undelivered' ? group.lastDeliveredId : needs,
    age: by === 'undelivered' ? group.oldestUndeliveredAge : group.oldestPendingAge,
    entries,
    memory:
      bytes === null || entries === null
        ? null
        : length === 0
          ? 0
          : Math.round((bytes * entries) / length),
  };
}
