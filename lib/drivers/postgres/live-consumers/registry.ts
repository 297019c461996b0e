import type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
  LiveConsumer,
} from '../../../ports/live-consumers.js';
import type { Database } from '../connection/database.js';
import { toStored } from '../sql/exact-text.js';
import {
  liveConsumerOf,
  patternsOf,
  processOf,
  toldOf,
  type AnnouncedRow,
} from './announced-row.js';

/** What a consumer announces on one stream. */
export interface Said {
  readonly announced: AnnouncedStream;
  readonly state: ConsumerState;
}

/** The result of a refresh. `streams`: on how many streams the consumer is announced. */
export interface Refreshed {
  readonly taken: boolean;
  readonly alive: boolean;
  readonly streams: number;
}

/** Writes what one consumer announces, each time on many streams in one step. */
export class Registry {
  constructor(
    private readonly database: Database,
    private readonly prefix: string,
    private readonly about: Announcement,
  ) {}

  /**
   * @param gone instances whose processes are known to have ended
   * @returns the live consumers that have the name; none: the consumer is announced
   */
  async announce(
    consumer: string,
    said: readonly Said[],
    gone: readonly string[],
  ): Promise<LiveConsumer[]> {
    const [prefix, group, name, instance] = this.keyOf(consumer);
    const { timeToLive } = this.about;
    const { rows } = await this.database.query<AnnouncedRow>(
      'announcing a consumer',
      'select * from {schema}.announce($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
      [
        ...[prefix, group, name, instance, processOf(this.about), timeToLive],
        ...columnsOf(said),
        gone.map(toStored),
      ],
    );
    return rows.map(liveConsumerOf);
  }

  /** @returns undefined where the registry does not know the consumer */
  async refresh(): Promise<Refreshed | undefined> {
    const { group, instance, timeToLive } = this.about;
    const { rows } = await this.database.query<Refreshed>(
      'refreshing an announcement',
      `with known as (
        select id, taken, until > clock_timestamp() as alive from {schema}.live_consumer
        where prefix = $1 and grp = $2 and instance = $3 for update
      ), kept as (
        update {schema}.live_consumer c
        set until = clock_timestamp() + $4 * interval '1 millisecond',
          since = case when known.alive then c.since else clock_timestamp() end
        from known where c.id = known.id and not c.taken
      )
      select taken, alive, (select count(*)::int from {schema}.announcement
        where consumer = known.id and state <> 'closed') as streams from known`,
      [this.prefix, toStored(group), toStored(instance), timeToLive],
    );
    return rows[0];
  }

  /** `missing`: the registry does not know the consumer. */
  async change(consumer: string, said: readonly Said[]): Promise<'kept' | 'missing' | 'taken'> {
    const { rows } = await this.database.query<{ word: 'kept' | 'missing' | 'taken' }>(
      'changing announcements',
      'select {schema}.change_announced($1, $2, $3, $4, $5, $6, $7, $8, $9) as word',
      [...this.keyOf(consumer), this.about.timeToLive, ...columnsOf(said)],
    );
    return rows[0]!.word;
  }

  async close(streams: readonly string[]): Promise<void> {
    const { group, instance } = this.about;
    await this.database.query(
      'leaving',
      `update {schema}.announcement a
      set state = 'closed', closed_at = least(clock_timestamp(), c.until)
      from {schema}.live_consumer c
      where a.consumer = c.id and a.stream = any ($4) and a.state <> 'closed'
        and c.prefix = $1 and c.grp = $2 and c.instance = $3`,
      [this.prefix, toStored(group), toStored(instance), streams.map(toStored)],
    );
  }

  private keyOf(consumer: string): [prefix: string, group: string, name: string, instance: string] {
    const { group, instance } = this.about;
    return [this.prefix, toStored(group), toStored(consumer), toStored(instance)];
  }
}

const columnsOf = (said: readonly Said[]): [string[], string[], string[], string[]] => [
  said.map(({ announced }) => toStored(announced.stream)),
  said.map(({ state }) => state),
  said.map(({ announced }) => toldOf(announced)),
  said.map(({ announced }) => patternsOf(announced)),
];
