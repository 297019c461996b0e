import type { Driver } from '../../ports/driver.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import { StreamNotFoundError } from '../../core/errors/group.errors.js';
import type { FurthestBehind, StreamReport } from '../../ports/group-admin.js';
import { names, refuse } from '../../core/declaring/refuse.js';
import {
  retentionPolicies,
  type RetentionPolicies,
  type RetentionPolicy,
  type RetentionRule,
  type StreamFootprint,
} from '../../ports/retention.js';

/** The group that a stream waits for, and what would go if it did not. */
export interface RetentionPin {
  readonly group: string;
  /** `pending`: it holds this entry and has not settled it. `undelivered`: it has read no further. */
  readonly by: 'pending' | 'undelivered';
  /** The oldest entry that it still needs, or the last one that it does not. */
  readonly id: string;
  /** Since the oldest entry that it needs was published, in milliseconds. 0 where it needs none. */
  readonly age: number;
  /** Entries from there on. `null`: not known. */
  readonly entries: number | null;
  /** Share of `memory` that these entries have. An estimate. `null`: not known. */
  readonly memory: number | null;
}

/** What a stream keeps, and for whom. */
export interface RetentionReport {
  readonly stream: string;
  /** The policy that this process has for it. */
  readonly policy: RetentionPolicy;
  readonly length: number;
  /** Bytes of the whole stream, as the server estimates it. `null`: not known. */
  readonly memory: number | null;
  /** The group that is furthest behind. Undefined where the stream has no groups: nothing is deleted then. */
  readonly pinnedBy: RetentionPin | undefined;
}

/** Tells what streams keep, and which group they keep it for. Injectable. */
export class StreamRetention {
  /** @internal Of its injection tokens, also where a bundler renames the class. */
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
    id: by === 'pending' ? needs : group.lastDeliveredId,
    age: by === 'pending' ? group.oldestPendingAge : group.oldestUndeliveredAge,
    entries,
    memory:
      bytes === null || entries === null
        ? null
        : length === 0
          ? 0
          : Math.round((bytes * entries) / length),
  };
}
