import { systemClock, within } from '../../../core/clock.js';
import { NO_NODE, type Leaders } from '../connection/kafka-group.js';
import type { MemberParts } from './member-parts.js';

/** Longest wait for a look before a join, where leaders are known already, in milliseconds. */
const LONGEST_LOOK = 1000;
/** Interval of looks while a partition has no leader, or the last look has failed, in milliseconds. */
const NEXT_LOOK = 1000;

/** Which nodes lead the partitions of the topic of a member, as far as brokers have told. */
export class KnownLeaders {
  /** All partitions of the topic, those without a leader, too. */
  partitions: readonly number[] = [];
  private lookedAt = -Infinity;
  private isUnsettled = false;
  private isThere = true;
  private looking: Promise<void> | undefined;
  private stopped = false;

  /** @param onChange called when there are more partitions, and when the topic is gone */
  constructor(
    private readonly parts: Pick<MemberParts, 'group' | 'hooks' | 'metadataMaxAge'>,
    private readonly onChange: () => void,
  ) {}

  /**
   * Asks a broker. Returns whether the topic exists. A look that fails or takes long is not waited for where
   * leaders are known: the member joins, and goes on with those.
   * @throws where nothing is known and no broker tells
   */
  async look(): Promise<boolean> {
    if (this.partitions.length === 0) await this.ask();
    else await within(systemClock, LONGEST_LOOK, this.askInBackground());
    return this.isThere && !this.stopped;
  }

  /** Asks in the background, where it is time to. Heartbeats do not wait for the answer. */
  lookWhereDue(): void {
    const { metadataMaxAge } = this.parts;
    const interval = this.isUnsettled ? Math.min(NEXT_LOOK, metadataMaxAge) : metadataMaxAge;
    if (systemClock.now() - this.lookedAt <= interval) return;
    void this.askInBackground();
  }

  /** The leaders may have moved: the next turn asks. */
  lookAgain(): void {
    this.lookedAt = -Infinity;
  }

  stop(): void {
    this.stopped = true;
  }

  /** Never rejects. */
  private askInBackground(): Promise<void> {
    this.looking ??= this.ask()
      .catch((error: unknown) => {
        this.isUnsettled = true;
        if (!this.stopped) this.parts.hooks.onFailed(error as Error);
      })
      .finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async ask(): Promise<void> {
    this.lookedAt = systemClock.now();
    const leaders = await this.parts.group.leaders();
    if (this.stopped) return;
    this.isThere = leaders !== undefined;
    if (!leaders) return this.onChange();
    const before = this.partitions.length;
    this.isUnsettled = leaders.has(NO_NODE);
    this.partitions = [...leaders.values()].flat();
    this.parts.hooks.onLeaders(led(leaders));
    // Also where the member did not wait for this answer, and joins at the moment.
    if (this.partitions.length > before) this.onChange();
  }
}

const led = (leaders: Leaders): Leaders =>
  new Map([...leaders].filter(([node]) => node !== NO_NODE));
